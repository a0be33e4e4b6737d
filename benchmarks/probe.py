"""Useful codes: a linear probe on codes, beside raw pixels and PCA, and what a network has before it has learnt.

python benchmarks/probe.py [--mnist FILE.npz] [--rows N] [--learnt N] [--splits N] [--out benchmarks/results/probe.md]

Networks and PCA learn from all training rows without labels (--learnt limits MNIST's); then a logistic regression is
fitted on the codes of labelled ones (MNIST: 10,000, --rows) and tested on others (digits: 20%, the mean over --splits
with the mean's standard error; MNIST: its 10,000 test rows). A fifth of the labelled rows decides on its strength, and
on whether each feature is standardised or all by one number, which suits pixels. "untrained" is the same network
with the same initial weights, born at its target as any is, after an epoch at a learning rate of 0. Its share of the
gain over raw pixels is (untrained - raw) / (trained - raw).
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
    """Rows to learn from, the first of them with labels [labels], and rows to be tested on."""

    X: np.ndarray
    labels: np.ndarray
    test: np.ndarray
    truth: np.ndarray

    def probe(self, encode: TransformerMixin | None) -> float:
        """Return the accuracy of a logistic regression on what `encode` makes of the rows."""
        labelled, test = self.X[: len(self.labels)], self.test
        if encode is not None:
            labelled, test = encode.transform(labelled), encode.transform(test)
        unit = labelled.std()
        labelled, test = labelled / unit, test / unit
        learnt, held, y, truth = train_test_split(
            labelled, self.labels, test_size=0.2, random_state=0, stratify=self.labels
        )
        best = max(SETTINGS, key=lambda setting: fitted(*setting, learnt, y).score(held, truth))
        return fitted(*best, labelled, self.labels).score(test, self.truth)


def fitted(C: float, each: bool, X: np.ndarray, y: np.ndarray) -> Pipeline:
    """Return a logistic regression on centred features, `each` divided by its own standard deviation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # where so many steps are too few, C is too large as well
        return make_pipeline(StandardScaler(with_std=each), LogisticRegression(C=C, max_iter=200)).fit(X, y)


def digits(splits: int) -> Iterator[Task]:
    """Yield the digits, split in several ways."""
    X, y = load_digits(return_X_y=True)
    for seed in range(splits):
        learnt, test, labels, truth = train_test_split(X / 16, y, test_size=0.2, random_state=seed, stratify=y)
        yield Task(learnt, labels, test, truth)


def compare(name: str, tasks: list[Task]) -> Iterator[str]:
    """Yield a data set's lines: the means over tasks."""
    found, width, seconds = defaultdict(list), {"raw pixels": tasks[0].X.shape[1]}, defaultdict(list)
    for task in tasks:
        found["raw pixels"].append(task.probe(None))
        for title, model in MODELS.items():
            start = time.perf_counter()
            trained = clone(model).fit(task.X)
            seconds[title].append(time.perf_counter() - start)
            untrained = clone(model).set_params(learning_rate=0.0, max_iter=1).fit(task.X)
            width[title] = trained.settings_.layout.widths[-1]
            found[title].append(task.probe(trained))
            found["untrained " + title].append(task.probe(untrained))
        varying = int((np.ptp(task.X, axis=0) > 0).sum())  # a constant pixel's component is rounding, not rows
        width["PCA"] = min(*width.values(), varying)
        found["PCA"].append(task.probe(PCA(width["PCA"]).fit(task.X)))
    mean = {title: np.mean(accuracies) for title, accuracies in found.items()}
    for title in ("raw pixels", "PCA", *MODELS):
        cells = [said(found[title]), "", "", ""]
        if title in MODELS:
            gain, before = mean[title] - mean["raw pixels"], mean["untrained " + title] - mean["raw pixels"]
            share = "no gain" if gain <= 0 else f"{before / gain:.0%}" if before > 0 else "none"
            cells[1:] = said(found["untrained " + title]), share, f"{np.mean(seconds[title]):.0f}"
        yield f"| {name} | {title} | {width[title]} | {' | '.join(cells)} |"


def said(accuracies: list[float]) -> str:
    """Return the mean, and its standard error where there are several."""
    error = f" ± {np.std(accuracies, ddof=1) / len(accuracies) ** 0.5:.2%}" if len(accuracies) > 1 else ""
    return f"{np.mean(accuracies):.2%}{error}"


def main() -> None:
    """Probe everything, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--learnt", type=int, default=60_000)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--out")
    asked = parser.parse_args()
    lines = ["| data | codes | width | accuracy | untrained | its share of the gain | seconds to fit |"]
    lines += ["|---" * 7 + "|", *compare("digits", list(digits(asked.splits)))]
    title = f"digits: means over {asked.splits} splits"
    if asked.mnist:
        X, y, test, truth = mnist(asked.mnist)
        task = Task(X[: asked.learnt], y[: asked.learnt][: asked.rows], test, truth)
        lines += compare("MNIST", [task])
        title += f"; MNIST: {len(task.X):,} rows learnt from, {len(task.labels):,} of them labelled"
    publish(title, lines, asked.out)


if __name__ == "__main__":
    main()
