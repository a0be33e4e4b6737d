"""Measure a linear probe on codes, beside raw pixels, PCA, and the codes of untrained networks.

python benchmarks/probe.py [--mnist FILE.npz] [--rows N] [--learnt N] [--splits N] [--out benchmarks/results/probe.md]

Networks and PCA are trained on all training rows without labels (--learnt limits MNIST's). A logistic regression is
then fitted on the codes of labelled rows (MNIST: 10,000, --rows) and tested on other rows (digits: 20%, the mean over
--splits with its standard error; MNIST: its 10,000 test rows). A fifth of the labelled rows is used to choose the
regression's C, and whether each feature is standardised by itself or all by one number, which suits pixels.
"untrained" is the same network with the same initial weights, initialised at its target, after an epoch with learning
rate 0. Its share of the gain over raw pixels is (untrained - raw) / (trained - raw).
"""

import argparse
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from denoising import mnist, publish
from sklearn.base import TransformerMixin, clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from taciturn import DenoisingAutoencoder, SparseAutoencoder

SETTINGS = tuple(product((1e-3, 1e-2, 1e-1, 1.0, 10.0), (True, False)))
MODELS = {
    "kl:0.05": SparseAutoencoder(random_state=0),
    "topk:32": SparseAutoencoder(sparsity="topk:32", random_state=0),
    "gaussian:0.4": DenoisingAutoencoder(corruption="gaussian:0.4", random_state=0),
    "gaussian:0.4, kl:0.05": SparseAutoencoder(corruption="gaussian:0.4", random_state=0),
}


@dataclass(frozen=True)
class Task:
    """Training rows, labels of the first of them, test rows and their labels."""

    X: np.ndarray
    labels: np.ndarray
    test: np.ndarray
    truth: np.ndarray

    def probe(self, encode: TransformerMixin | None) -> float:
        """Return the test accuracy of a logistic regression on the rows' codes, or on the rows if `encode` is None."""
        labelled, test = self.X[: len(self.labels)], self.test
        if encode is not None:
            labelled, test = encode.transform(labelled), encode.transform(test)
        unit = labelled.std()
        labelled, test = labelled / unit, test / unit
        train, held_out, y, held_out_y = train_test_split(
            labelled, self.labels, test_size=0.2, random_state=0, stratify=self.labels
        )
        best = max(SETTINGS, key=lambda setting: fitted(*setting, train, y).score(held_out, held_out_y))
        return fitted(*best, labelled, self.labels).score(test, self.truth)


def fitted(C: float, each: bool, X: np.ndarray, y: np.ndarray) -> Pipeline:
    """Return a logistic regression on centred features; with `each` they are standardised one by one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # where 200 iterations are too few, C is too large too
        return make_pipeline(StandardScaler(with_std=each), LogisticRegression(C=C, max_iter=200)).fit(X, y)


def digits(splits: int) -> Iterator[Task]:
    """Yield the digits, split in several ways."""
    X, y = load_digits(return_X_y=True)
    for seed in range(splits):
        train, test, labels, truth = train_test_split(X / 16, y, test_size=0.2, random_state=seed, stratify=y)
        yield Task(train, labels, test, truth)


def compare(name: str, tasks: list[Task]) -> Iterator[str]:
    """Yield a data set's lines: means over tasks."""
    accuracies, width, seconds = defaultdict(list), {"raw pixels": tasks[0].X.shape[1]}, defaultdict(list)
    for task in tasks:
        accuracies["raw pixels"].append(task.probe(None))
        for title, model in MODELS.items():
            start = time.perf_counter()
            trained = clone(model).fit(task.X)
            seconds[title].append(time.perf_counter() - start)
            untrained = clone(model).set_params(learning_rate=0.0, max_iter=1).fit(task.X)
            width[title] = trained.settings_.layout.widths[-1]
            accuracies[title].append(task.probe(trained))
            accuracies["untrained " + title].append(task.probe(untrained))
        varying = int((np.ptp(task.X, axis=0) > 0).sum())  # the components of constant pixels are rounding errors
        width["PCA"] = min(*width.values(), varying)
        accuracies["PCA"].append(task.probe(PCA(width["PCA"]).fit(task.X)))
    mean = {title: np.mean(values) for title, values in accuracies.items()}
    for title in ("raw pixels", "PCA", *MODELS):
        cells = [formatted(accuracies[title]), "", "", ""]
        if title in MODELS:
            gain, before = mean[title] - mean["raw pixels"], mean["untrained " + title] - mean["raw pixels"]
            share = "no gain" if gain <= 0 else f"{before / gain:.0%}" if before > 0 else "none"
            cells[1:] = formatted(accuracies["untrained " + title]), share, f"{np.mean(seconds[title]):.0f}"
        yield f"| {name} | {title} | {width[title]} | {' | '.join(cells)} |"


def formatted(accuracies: list[float]) -> str:
    """Return the mean, and its standard error where there are several."""
    error = f" ± {np.std(accuracies, ddof=1) / len(accuracies) ** 0.5:.2%}" if len(accuracies) > 1 else ""
    return f"{np.mean(accuracies):.2%}{error}"


def main() -> None:
    """Run all probes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--learnt", type=int, default=60_000)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--out")
    args = parser.parse_args()
    lines = ["| data | codes | width | accuracy | untrained | its share of the gain | seconds to fit |"]
    lines += ["|---" * 7 + "|", *compare("digits", list(digits(args.splits)))]
    title = f"digits: means over {args.splits} splits"
    if args.mnist:
        X, y, test, truth = mnist(args.mnist)
        task = Task(X[: args.learnt], y[: args.learnt][: args.rows], test, truth)
        lines += compare("MNIST", [task])
        title += f"; MNIST: {len(task.X):,} training rows, {len(task.labels):,} of them labelled"
    publish(title, lines, args.out)


if __name__ == "__main__":
    main()
