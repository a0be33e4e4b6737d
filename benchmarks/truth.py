"""Measure which known features dictionaries find.

python benchmarks/truth.py [--rows N] [--seeds N] [--data a/b] [--only NAMES] [--rivals] [--out TABLE.md]

(a): 64 inputs, 256 features, 4 per row, noise 0.02; "crowded" has 8 per row. (b): 128 inputs, 1,024 features, 8 per
row, Zipf 0.7. As many latents as features, k = features per row; "k × 2": twice as many; "rate 0.002": learning rate
0.002 in place of 0.003. MCC: the mean |cosine| of matched directions. recall: the share of features with a direction
of cosine 0.9 or more. L0 and FVU are of held-out rows. `--rivals`: scikit-learn's MiniBatchDictionaryLearning and
FastICA, dictlearn's AK-SVD (30 sweeps), on the same rows. Seconds are on one thread.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one fit per process

import numpy as np
from denoising import publish
from sklearn.decomposition import FastICA, MiniBatchDictionaryLearning

from taciturn import DictionaryAutoencoder, datasets
from taciturn.metrics import mcc, recall

SETS: dict[str, dict[str, Any]] = {
    "a": {"n_features": 256, "n_inputs": 64, "active": 4, "noise": 0.02},
    "a, crowded": {"n_features": 256, "n_inputs": 64, "active": 8, "noise": 0.02},
    "b": {"n_features": 1024, "n_inputs": 128, "active": 8, "zipf": 0.7, "noise": 0.02},
}
HELD = 10_000
CONTESTANTS: dict[str, dict[str, Any]] = {
    "topk": {"sparsity": "topk"},
    "batch_topk": {"sparsity": "batch_topk"},
    "jumprelu": {"sparsity": "jumprelu"},
    "gated": {"sparsity": "gated"},
    "l1": {"sparsity": "l1"},
    "topk, k × 2": {"sparsity": "topk", "times": 2},
    "topk, rate 0.002": {"sparsity": "topk", "learning_rate": "decay:0.002,last=0.2"},
    "topk, k × 2, rate 0.002": {"sparsity": "topk", "times": 2, "learning_rate": "decay:0.002,last=0.2"},
    "topk, refined": {"sparsity": "topk", "refine": 1},
}


@dataclass(frozen=True)
class Cell:
    """One fit."""

    data: str
    name: str
    seed: int
    rows: int


@dataclass(frozen=True)
class Result:
    """The numbers of one fit."""

    mcc: float
    recall: float
    l0: float
    fvu: float
    seconds: float


def drawn(cell: Cell, rows: int, start: int) -> datasets.KnownDictionary:
    """Return rows of a data set; the seed draws the features too."""
    return datasets.known_dictionary(rows, **SETS[cell.data], magnitude_std=0.3, start=start, random_state=cell.seed)


def rival(cell: Cell, X: np.ndarray) -> np.ndarray:
    """Return the directions of another library's fit."""
    from dictlearn import DictionaryLearning

    n, k = SETS[cell.data]["n_features"], SETS[cell.data]["active"]
    makers: dict[str, Callable[[], Any]] = {
        "MiniBatchDictionaryLearning": lambda: MiniBatchDictionaryLearning(
            n, alpha=0.1, batch_size=1024, max_iter=20, transform_n_nonzero_coefs=k, random_state=cell.seed
        ),
        "FastICA": lambda: FastICA(X.shape[1], random_state=cell.seed, max_iter=500),
        "AK-SVD": lambda: DictionaryLearning(n, n_nonzero_coefs=k, max_iter=30, random_state=cell.seed),
    }
    return makers[cell.name]().fit(X).components_


def measure(cell: Cell) -> Result:
    """Return the numbers of one fit."""
    known, held_out = drawn(cell, cell.rows, 0), drawn(cell, HELD, cell.rows)
    start = time.perf_counter()
    if cell.name not in CONTESTANTS:
        directions = rival(cell, known.rows)
        seconds = time.perf_counter() - start
        both_signs = np.concatenate([directions, -directions])  # their codes may be negative
        return Result(mcc(directions, known.features), recall(both_signs, known.features), np.nan, np.nan, seconds)
    settings = dict(CONTESTANTS[cell.name])
    k = SETS[cell.data]["active"] * settings.pop("times", 1)
    model = DictionaryAutoencoder(len(known.features), k=k, scaling="none", random_state=cell.seed, **settings)
    model.fit(known.rows)
    seconds = time.perf_counter() - start
    l0, fvu = model.transform(held_out.rows).nnz / HELD, 1 - model.score(held_out.rows)
    directions = model.components_
    return Result(mcc(directions, known.features), recall(directions, known.features), l0, fvu, seconds)


def table(done: dict[Cell, Result], names: list[str]) -> Iterator[str]:
    """Yield the table's lines: medians over seeds, and the least MCC."""
    yield "| data | | MCC (least) | recall at .9 | L0 | FVU | s |"
    yield "|---|---|---|---|---|---|---|"
    for data in dict.fromkeys(cell.data for cell in done):
        for name in names:
            results = [result for cell, result in done.items() if (cell.data, cell.name) == (data, name)]
            m, r, l0, fvu, s = (
                float(np.median([getattr(result, field) for result in results]))
                for field in ("mcc", "recall", "l0", "fvu", "seconds")
            )
            least = min(result.mcc for result in results)
            cells = f"{m:.3f} ({least:.3f}) | {r:.3f} | {_formatted(l0, 2)} | {_formatted(fvu, 4)} | {s:.0f}"
            yield f"| {data} | {name} | {cells} |"


def _formatted(number: float, digits: int) -> str:
    return "" if np.isnan(number) else f"{number:.{digits}f}"


def main() -> None:
    """Run all fits, two at a time, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", default="a/b", help="data sets to run, joined by /")
    parser.add_argument("--only", help="contestants or rivals to run, joined by /")
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--out")
    args = parser.parse_args()
    names = args.only.split("/") if args.only else list(CONTESTANTS)
    names += ["MiniBatchDictionaryLearning", "FastICA", "AK-SVD"] if args.rivals else []
    todo = [
        Cell(data, name, seed, args.rows)
        for data in args.data.split("/")
        for name in names
        for seed in range(args.seeds)
    ]
    with ProcessPoolExecutor(2) as pool:
        done = {}
        for cell, result in zip(todo, pool.map(measure, todo), strict=True):
            done[cell] = result
            print(cell, result, file=sys.stderr, flush=True)
    publish(f"{args.rows:,} rows, {args.seeds} seeds", [*table(done, names)], args.out)


if __name__ == "__main__":
    main()
