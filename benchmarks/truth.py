"""The truth is found: dictionaries learnt from rows whose features are known.

python benchmarks/truth.py [--rows N] [--seeds N] [--data a/b] [--only NAMES] [--rivals] [--out TABLE.md]

(a) 64 inputs, 256 features, 4 a row, noise 0.02, and "crowded", 8 a row; (b) 128 inputs, 1,024 features, 8 a row, Zipf
0.7. As many latents as features, k as many as features a row; "k × 2" asks for twice as many; "rate 0.002" in place of
0.003. MCC: the mean |cosine| of matched directions; recall: the share of features with a direction of cosine 0.9 or
more; L0 and FVU on rows never seen. `--rivals`: scikit-learn's MiniBatchDictionaryLearning and FastICA, dictlearn's
AK-SVD (30 sweeps), on the same rows. Seconds are on one thread.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one fit a process

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
    """What a fit found."""

    mcc: float
    recall: float
    l0: float
    fvu: float
    seconds: float


def drawn(cell: Cell, rows: int, start: int) -> datasets.KnownDictionary:
    """Return rows of a set; the seed draws the features too."""
    return datasets.known_dictionary(rows, **SETS[cell.data], magnitude_std=0.3, start=start, random_state=cell.seed)


def rival(cell: Cell, X: np.ndarray) -> np.ndarray:
    """Return the directions that another library finds."""
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
    """Return what one fit finds."""
    known, held = drawn(cell, cell.rows, 0), drawn(cell, HELD, cell.rows)
    start = time.perf_counter()
    if cell.name not in CONTESTANTS:
        found = rival(cell, known.rows)
        seconds = time.perf_counter() - start
        either = np.concatenate([found, -found])  # their codes may be negative
        return Result(mcc(found, known.features), recall(either, known.features), np.nan, np.nan, seconds)
    given = dict(CONTESTANTS[cell.name])
    k = SETS[cell.data]["active"] * given.pop("times", 1)
    model = DictionaryAutoencoder(len(known.features), k=k, scaling="none", random_state=cell.seed, **given)
    model.fit(known.rows)
    seconds = time.perf_counter() - start
    l0 = model.transform(held.rows).nnz / HELD
    found = model.components_
    return Result(mcc(found, known.features), recall(found, known.features), l0, 1 - model.score(held.rows), seconds)


def table(done: dict[Cell, Result], names: list[str]) -> Iterator[str]:
    """Yield the lines: medians over the seeds, and the least MCC."""
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
            yield f"| {data} | {name} | {m:.3f} ({least:.3f}) | {r:.3f} | {_said(l0, 2)} | {_said(fvu, 4)} | {s:.0f} |"


def _said(number: float, digits: int) -> str:
    return "" if np.isnan(number) else f"{number:.{digits}f}"


def main() -> None:
    """Run all cells, two at a time, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", default="a/b", help="these sets, joined by /")
    parser.add_argument("--only", help="these contestants or rivals, joined by /")
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--out")
    asked = parser.parse_args()
    names = asked.only.split("/") if asked.only else list(CONTESTANTS)
    names += ["MiniBatchDictionaryLearning", "FastICA", "AK-SVD"] if asked.rivals else []
    todo = [
        Cell(data, name, seed, asked.rows)
        for data in asked.data.split("/")
        for name in names
        for seed in range(asked.seeds)
    ]
    with ProcessPoolExecutor(2) as pool:
        done = {}
        for cell, result in zip(todo, pool.map(measure, todo), strict=True):
            done[cell] = result
            print(cell, result, file=sys.stderr, flush=True)
    publish(f"{asked.rows:,} rows, {asked.seeds} seeds", [*table(done, names)], asked.out)


if __name__ == "__main__":
    main()
