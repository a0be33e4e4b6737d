"""Compare dictionaries trained on corrupted and on clean rows: gains and costs on known features and on images.

python benchmarks/noise.py [--seeds 5] [--mnist FILE.npz] [--out benchmarks/results/noise.md]

Known features: 20,000 rows, as many latents as features, k = features per row. "flat": 96 features in 32 inputs, 3
per row. "tree": 64 in 48, 3 per row; 16 parents have two exclusive children each.

Images: digits (80% for training, 128 latents, k = 8) and, with --mnist, MNIST (10,000 rows for training and 10,000
for testing, 256 latents, k = 16, 20 epochs). The seed also draws the rows.

All numbers are of held-out rows, clean ones unless stated otherwise. Gaussian noise is in units of the rows' standard
deviation, the square root of the columns' mean variance. "noisy" rows have noise of 0.5 such units (images: 0.2
absolute) and are compared with the clean ones. Rotated (15°) and dimmed (× 0.6) rows are compared with themselves.

parents inactive   share of a parent's rows in which its latent is inactive
absorbed           share of these rows in which a child's latent is active in place of the parent's
used               latents that are active on any training row
probe, k           balanced accuracy with k latents per class
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, cast

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one fit per process

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
ROWS = 20_000  # training rows of known features
HELD = 10_000
MNIST_ROWS = 10_000  # training rows
# 1: more is better; -1: less is better; L0: neither
BETTER = {"MCC": 1, "recall at .9": 1, "F1": 1, "absorbed": -1, "FVU": -1, "probe": 1}


@dataclass(frozen=True)
class Cell:
    """One fit."""

    data: str
    sparsity: str
    noise: str
    seed: int
    file: str | None = None


def fitted(cell: Cell, X: np.ndarray, **more: Any) -> DictionaryAutoencoder:
    """Return a dictionary trained on rows."""
    kind, _, amount = cell.noise.partition(":")
    corruption = f"gaussian:{float(amount) * spread(X)}" if kind == "gaussian" else cell.noise
    parameters: dict[str, Any] = {
        "sparsity": cell.sparsity,
        "corruption": corruption,
        "scaling": "none",
        "random_state": cell.seed,
    }
    return DictionaryAutoencoder(**parameters, **more).fit(X)


def spread(X: np.ndarray) -> float:
    """Return the rows' standard deviation."""
    return float(X.var(0).mean() ** 0.5)


def noisy(X: np.ndarray, std: float, seed: int) -> np.ndarray:
    """Return rows with Gaussian noise."""
    return np.asarray(X + np.float32(std) * np.random.default_rng(seed).standard_normal(X.shape, np.float32))


def fvu(model: DictionaryAutoencoder, X: np.ndarray, target: np.ndarray) -> float:
    """Return the fraction of the target's variance that the reconstructions of X leave unexplained."""
    return float(model.reconstruction_errors(X, target=target).mean() / target.var(0).mean())


def known(cell: Cell) -> dict[str, float]:
    """Return the numbers of a dictionary trained on known features."""
    settings = KNOWN[cell.data] | {"magnitude_std": 0.3, "noise": 0.02, "random_state": cell.seed}
    train, held_out = (datasets.known_dictionary(n, start=start, **settings) for n, start in ((ROWS, 0), (HELD, ROWS)))
    model = fitted(cell, train.rows, n_components=settings["n_features"], k=settings["active"])
    noisy_rows = noisy(held_out.rows, 0.5 * spread(held_out.rows), cell.seed)
    codes, noisy_codes = (cast(Any, model.transform(rows)) for rows in (held_out.rows, noisy_rows))
    dictionary = model.components_
    pairs = matched(dictionary, held_out.features)
    result = {
        "MCC": float(np.abs(pairs.cosines).mean()),
        "recall at .9": recall(dictionary, held_out.features),
        "F1": float(detection(codes, held_out.activations, pairs).f1.mean()),
        "absorbed": np.nan,
        "parents inactive": np.nan,
        "L0": codes.nnz / HELD,
        "L0, noisy": noisy_codes.nnz / HELD,
        "FVU": fvu(model, held_out.rows, held_out.rows),
        "FVU, noisy": fvu(model, noisy_rows, held_out.rows),
    }
    if (held_out.parents >= 0).any():
        activations, features = held_out.activations, held_out.features
        absorbed = absorption(codes, activations, dictionary, features, held_out.parents, pairs=pairs)
        result |= {"absorbed": absorbed.mean, "parents inactive": float(absorbed.silent.mean())}
    return result


def images(cell: Cell) -> dict[str, float]:
    """Return the numbers of a dictionary of images, on clean and on changed images."""
    if cell.file:
        X, y, test, truth = mnist(cell.file)
        chosen = np.random.default_rng(cell.seed).permutation(len(X))[:MNIST_ROWS]
        X, y = X[chosen], y[chosen]
    else:
        task = next(islice(digits(cell.seed + 1), cell.seed, None))
        X, y, test, truth = task.X.astype(np.float32), task.labels, task.test.astype(np.float32), task.truth
    model = fitted(cell, X, **IMAGES[cell.data])
    side = int(test.shape[1] ** 0.5)
    rotated = rotate(test.reshape(-1, side, side), 15, axes=(1, 2), reshape=False, order=1).reshape(test.shape)
    dimmed, noisy_rows = np.float32(0.6) * test, noisy(test, 0.2, cell.seed)
    codes_train, codes, noisy_codes = (cast(Any, model.transform(rows)) for rows in (X, test, noisy_rows))
    probes = sparse_probing(codes_train, y, codes, truth)
    return {
        "used": len(np.unique(codes_train.indices)),
        "L0": codes.nnz / len(test),
        "L0, noisy": noisy_codes.nnz / len(test),
        "FVU": fvu(model, test, test),
        "FVU, rotated": fvu(model, rotated, rotated),
        "FVU, dimmed": fvu(model, dimmed, dimmed),
        "FVU, noisy": fvu(model, noisy_rows, test),
    } | {f"probe, {k}": probe.mean for k, probe in probes.items()}


def measure(cell: Cell) -> dict[str, float]:
    """Return the numbers of one fit."""
    return (known if cell.data in KNOWN else images)(cell)


def formatted(name: str, values: np.ndarray, clean: np.ndarray) -> str:
    """Return a mean ± the standard error of its difference to clean training, marked where it is significant."""
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
    """Yield the table's lines for data sets with the same columns."""
    names = next(list(result) for cell, result in done.items() if cell.data == sets[0])
    yield f"| data | | noise | {' | '.join(names)} |"
    yield "|---" * (len(names) + 3) + "|"
    for data, sparsity in product(sets, SPARSITIES):
        results = {
            noise: [done[cell] for cell in done if (cell.data, cell.sparsity, cell.noise) == (data, sparsity, noise)]
            for noise in NOISES
        }
        values = {
            noise: {name: np.array([result[name] for result in results[noise]]) for name in names} for noise in results
        }
        for noise, columns in values.items():
            cells = [formatted(name, columns[name], values["none"][name]) for name in names]
            yield f"| {data} | {sparsity} | {noise} | {' | '.join(cells)} |"


def main() -> None:
    """Run all fits, two at a time, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--mnist")
    parser.add_argument("--out")
    args = parser.parse_args()
    files = {"digits": None} | ({"MNIST": args.mnist} if args.mnist else {})
    todo = [
        Cell(data, sparsity, noise, seed, files.get(data))
        for data, sparsity, noise, seed in product([*KNOWN, *files], SPARSITIES, NOISES, range(args.seeds))
    ]
    with ProcessPoolExecutor(2) as pool:
        done = dict(zip(todo, pool.map(measure, todo), strict=True))
    title = f"means over {args.seeds} seeds ± the standard error of the paired difference to clean training; "
    title += "**better** or *worse* than it (paired t-test, p < 0.01)"
    publish(title, [*table(list(KNOWN), done), "", *table(list(files), done)], args.out)


if __name__ == "__main__":
    main()
