"""What noise buys a dictionary, and what it costs: corrupted training beside clean, on known features and on images.

python benchmarks/noise.py [--seeds 5] [--mnist FILE.npz] [--out benchmarks/results/noise.md]

Known dictionaries, 20,000 rows, as many latents as features, k as many as features a row: "flat", 96 features in 32
inputs, 3 a row; "tree", 64 in 48, 3 a row, of which 16 parents have two exclusive children each. Images: digits (80%
learnt from, 128 latents, k = 8) and, with --mnist, MNIST (10,000 rows learnt from and 10,000 tested on, 256 latents,
k = 16, 20 epochs); a seed draws the rows too. All that is measured is of rows never seen, clean ones unless it says
otherwise. Gaussian noise is in units of the rows' standard deviation, the square root of the columns' mean variance.
"noisy" rows have noise of 0.5 such units (images: of 0.2) and are compared with the clean ones; rotated (15°) and
dimmed (× 0.6) rows with themselves. "parents silent": the share of a parent's rows in which its latent is; "absorbed":
in which a child's latent speaks for it. "used": latents that speak of any training row. "probe, k": balanced accuracy
of k latents a class.
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, cast

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one fit a process

import numpy as np
from denoising import mnist, publish
from probe import digits
from scipy.ndimage import rotate
from scipy.stats import ttest_1samp

from taciturn import DictionaryAutoencoder, datasets
from taciturn.metrics import absorption, detection, matched, recall
from taciturn.probes import sparse_probing

NOISES = ("none", "gaussian:0.3", "gaussian:1", "masking:0.1", "masking:0.3")
SPARSITIES = ("topk", "batch_topk")
KNOWN: dict[str, dict[str, Any]] = {
    "flat": {"n_features": 96, "n_inputs": 32, "active": 3},
    "tree": {
        "n_features": 64,
        "n_inputs": 48,
        "active": 3,
        "hierarchy": datasets.Hierarchy(roots=16, branches=2, exclusive=True, share=0.6),
    },
}
IMAGES: dict[str, dict[str, Any]] = {
    "digits": {"n_components": 128, "k": 8},
    "MNIST": {"n_components": 256, "k": 16, "max_iter": 20},
}
ROWS = 20_000  # of a known dictionary, to learn from
HELD = 10_000
SOME = 10_000  # of MNIST's rows, to learn from
BETTER = {"MCC": 1, "recall at .9": 1, "F1": 1, "absorbed": -1, "FVU": -1, "probe": 1}  # up or down; L0: neither


@dataclass(frozen=True)
class Cell:
    """One fit."""

    data: str
    sparsity: str
    noise: str
    seed: int
    file: str | None = None


def fitted(cell: Cell, X: np.ndarray, **given: Any) -> DictionaryAutoencoder:
    """Return a dictionary learnt from rows."""
    kind, _, amount = cell.noise.partition(":")
    corruption = f"gaussian:{float(amount) * spread(X)}" if kind == "gaussian" else cell.noise
    asked: dict[str, Any] = {
        "sparsity": cell.sparsity,
        "corruption": corruption,
        "scaling": "none",
        "random_state": cell.seed,
    }
    return DictionaryAutoencoder(**asked, **given).fit(X)


def spread(X: np.ndarray) -> float:
    """Return the rows' standard deviation."""
    return float(X.var(0).mean() ** 0.5)


def noisy(X: np.ndarray, std: float, seed: int) -> np.ndarray:
    """Return rows with Gaussian noise."""
    return np.asarray(X + np.float32(std) * np.random.default_rng(seed).standard_normal(X.shape, np.float32))


def fvu(model: DictionaryAutoencoder, X: np.ndarray, target: np.ndarray) -> float:
    """Return the share of the target's variance that the reconstructions of rows leave unexplained."""
    return float(model.reconstruction_errors(X, target=target).mean() / target.var(0).mean())


def known(cell: Cell) -> dict[str, float]:
    """Return what a dictionary found of known features."""
    given = KNOWN[cell.data] | {"magnitude_std": 0.3, "noise": 0.02, "random_state": cell.seed}
    learnt, held = (datasets.known_dictionary(n, start=start, **given) for n, start in ((ROWS, 0), (HELD, ROWS)))
    model = fitted(cell, learnt.rows, n_components=given["n_features"], k=given["active"])
    disturbed = noisy(held.rows, 0.5 * spread(held.rows), cell.seed)
    codes, codes_disturbed = (cast(Any, model.transform(rows)) for rows in (held.rows, disturbed))
    found = model.components_
    pairs = matched(found, held.features)
    result = {
        "MCC": float(np.abs(pairs.cosines).mean()),
        "recall at .9": recall(found, held.features),
        "F1": float(detection(codes, held.activations, pairs).f1.mean()),
        "absorbed": np.nan,
        "parents silent": np.nan,
        "L0": codes.nnz / HELD,
        "L0, noisy": codes_disturbed.nnz / HELD,
        "FVU": fvu(model, held.rows, held.rows),
        "FVU, noisy": fvu(model, disturbed, held.rows),
    }
    if (held.parents >= 0).any():
        lost = absorption(codes, held.activations, found, held.features, held.parents, pairs=pairs)
        result |= {"absorbed": lost.mean, "parents silent": float(lost.silent.mean())}
    return result


def images(cell: Cell) -> dict[str, float]:
    """Return what a dictionary of images is worth, on clean and on shifted ones."""
    if cell.file:
        X, y, test, truth = mnist(cell.file)
        some = np.random.default_rng(cell.seed).permutation(len(X))[:SOME]
        X, y = X[some], y[some]
    else:
        task = next(islice(digits(cell.seed + 1), cell.seed, None))
        X, y, test, truth = task.X.astype(np.float32), task.labels, task.test.astype(np.float32), task.truth
    model = fitted(cell, X, **IMAGES[cell.data])
    side = int(test.shape[1] ** 0.5)
    turned = rotate(test.reshape(-1, side, side), 15, axes=(1, 2), reshape=False, order=1).reshape(test.shape)
    dimmed, disturbed = np.float32(0.6) * test, noisy(test, 0.2, cell.seed)
    codes_train, codes, codes_disturbed = (cast(Any, model.transform(rows)) for rows in (X, test, disturbed))
    probes = sparse_probing(codes_train, y, codes, truth)
    return {
        "used": len(np.unique(codes_train.indices)),
        "L0": codes.nnz / len(test),
        "L0, noisy": codes_disturbed.nnz / len(test),
        "FVU": fvu(model, test, test),
        "FVU, rotated": fvu(model, turned, turned),
        "FVU, dimmed": fvu(model, dimmed, dimmed),
        "FVU, noisy": fvu(model, disturbed, test),
    } | {f"probe, {k}": probe.mean for k, probe in probes.items()}


def measure(cell: Cell) -> dict[str, float]:
    """Return what one fit is worth."""
    return (known if cell.data in KNOWN else images)(cell)


def said(name: str, values: np.ndarray, clean: np.ndarray) -> str:
    """Return a mean ± the standard error of its difference to clean training's, marked where that is no chance."""
    places = 1 if name == "used" else 2 if name.startswith("L0") else 3
    mean, difference = f"{values.mean():.{places}f}", values - clean
    if np.isnan(values).any():
        return ""
    if values is clean or len(values) < 2:
        return mean
    gain = BETTER.get(name.split(",")[0], 0) * difference.mean()
    if gain and ttest_1samp(difference, 0).pvalue < 0.01:
        mean = f"**{mean}**" if gain > 0 else f"*{mean}*"
    return f"{mean} ± {difference.std(ddof=1) / len(values) ** 0.5:.{places}f}"


def table(sets: list[str], done: dict[Cell, dict[str, float]]) -> Iterator[str]:
    """Yield the lines of some sets that were measured alike."""
    names = next(list(result) for cell, result in done.items() if cell.data == sets[0])
    yield f"| data | | noise | {' | '.join(names)} |"
    yield "|---" * (len(names) + 3) + "|"
    for data, sparsity in product(sets, SPARSITIES):
        found = {
            noise: [done[cell] for cell in done if (cell.data, cell.sparsity, cell.noise) == (data, sparsity, noise)]
            for noise in NOISES
        }
        values = {noise: {name: np.array([each[name] for each in found[noise]]) for name in names} for noise in found}
        for noise, of in values.items():
            cells = [said(name, of[name], values["none"][name]) for name in names]
            yield f"| {data} | {sparsity} | {noise} | {' | '.join(cells)} |"


def main() -> None:
    """Measure all cells, two at a time, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--mnist")
    parser.add_argument("--out")
    asked = parser.parse_args()
    files = {"digits": None} | ({"MNIST": asked.mnist} if asked.mnist else {})
    todo = [
        Cell(data, sparsity, noise, seed, files.get(data))
        for data, sparsity, noise, seed in product([*KNOWN, *files], SPARSITIES, NOISES, range(asked.seeds))
    ]
    with ProcessPoolExecutor(2) as pool:
        done = dict(zip(todo, pool.map(measure, todo), strict=True))
    title = f"means over {asked.seeds} seeds ± the standard error of the paired difference to clean training; "
    title += "**better** or *worse* than it (paired t-test, p < 0.01)"
    publish(title, [*table(list(KNOWN), done), "", *table(list(files), done)], asked.out)


if __name__ == "__main__":
    main()
