"""Measure what single changes of a dictionary's settings do to known features, or to dead latents on few images.

python benchmarks/ablation.py uneven [--only NAMES] [--seeds N] [--rows N] [--cache FOLDER] [--out TABLE.md]
python benchmarks/ablation.py mnist --mnist FILE.npz …
python benchmarks/ablation.py digits …, cancer …, or file --file ROWS.npy …

uneven: 160 features in 48 dimensions, 4 per row, firing rates ∝ rank^-½, magnitudes gamma(4, 0.3), noise 0.02, 120,000
rows; as many latents as features, k = 4. a, b: as in truth.py, 200,000 rows. MCC: the mean |cosine| of matched
directions; rarest: that of the rarest third of the features. mnist: 10,000 images in [0, 1], 1,024 latents, k = 16.
digits: 1,797 images of 64 pixels, 256 latents, k = 8. cancer: scikit-learn's table of 569 rows and 30 columns, 64
latents, k = 4. file: rows of a file, 1,024 latents, k = 16. Of these three a tenth of the rows is held out. ± is the
standard error over seeds. Dead: active on no training row. FVU and L0 are of other rows. Each line is one change of the
defaults (`CHANGES`). Fits are kept in the cache, one file each, so that a stopped run goes on. Seconds are on one
thread.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one fit per process

import numpy as np
from denoising import publish
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import load_breast_cancer, load_digits
from truth import SETS

from taciturn import DictionaryAutoencoder, datasets
from taciturn.estimators import dictionary

HELD = 5000
LAYERS: dict[str, str] = {
    "topk": "topk:linear({2k},{k},over=0.5)",
    "batch_topk": "batch_topk:{k}",
    "jumprelu": "jumprelu+l0:l0={k}",
    "gated": "gated+l1:l0={k}+gated_aux",
}
STARTED = {  # those that start as TopK
    "batch_topk": "batch_topk:{k},first_k={first_k}+auxk",
    "jumprelu": "jumprelu:first_k={first_k}+l0:l0={k}+auxk",
    "gated": "gated:first_k={first_k}+l1:l0={k}+gated_aux+auxk",
}
# of each: settings of the estimator, in which {k} and {2k} are replaced; "from_rows" changes the constant
CHANGES: dict[str, dict[str, Any]] = {
    **{name: {"sparsity": name} for name in LAYERS},
    **{f"{name}, rows not scaled": {"sparsity": name, "scaling": "none"} for name in LAYERS},
    **{f"{name}, standardised": {"sparsity": name, "scaling": "standard"} for name in LAYERS},
    **{f"{name}, drawn directions": {"sparsity": name, "from_rows": 0.0} for name in LAYERS},
    **{f"{name}, directions of rows": {"sparsity": name, "from_rows": 1.0} for name in LAYERS},
    **{f"{name}, from_rows {s}": {"sparsity": name, "from_rows": s} for name in LAYERS for s in (0.25, 0.3, 0.7)},
    **{
        f"{name}, TopK for {share}": {
            "sparsity": text.replace("{first_k}", f"until(linear({{2k}},{{k}},over={share}),{share})"),
            "revive": "redirect",
        }
        for name, text in STARTED.items()
        for share in (0.2, 0.4, 0.6)
    },
    **{
        f"{name}, no TopK phase": {"sparsity": f"{text}+auxk", "revive": None}
        for name, text in LAYERS.items()
        if name != "topk"
    },
    **{f"{name}, not redirected": {"sparsity": name, "revive": "auxk"} for name in LAYERS},
    **{f"{name}, resampling": {"sparsity": name, "revive": "resample"} for name in LAYERS},
    **{f"{name}, rate 0.001": {"sparsity": name, "learning_rate": "decay:0.001,last=0.2"} for name in LAYERS},
    **{f"{name}, gaussian 0.1": {"sparsity": name, "corruption": "gaussian:0.1"} for name in LAYERS},
    "topk, rate 0.001, gaussian 0.1": {
        "sparsity": "topk",
        "learning_rate": "decay:0.001,last=0.2",
        "corruption": "gaussian:0.1",
    },
}


@dataclass(frozen=True)
class Cell:
    """One fit."""

    data: str
    name: str
    seed: int
    rows: int
    file: str | None


def uneven(n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows, and the features whose sums they are."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((160, 48))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    rates = np.arange(1, 161) ** -0.5
    active = rng.random((n_rows, 160)) < 4 * rates / rates.sum()
    codes = active * rng.gamma(4, 0.3, active.shape)
    return (codes @ features + 0.02 * rng.standard_normal((n_rows, 48))).astype(np.float32), features


def drawn(cell: Cell) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, int, int]:
    """Return training rows, other rows, the features, the number of latents and k."""
    if cell.data == "mnist":
        with np.load(str(cell.file)) as file:
            X = file["x_train"][: cell.rows + 2000].reshape(-1, 784).astype(np.float32) / 255
        return X[: cell.rows], X[cell.rows :], None, 1024, 16
    if cell.data in ("digits", "cancer", "file"):
        X, n_latents, k = {
            "digits": lambda: (load_digits().data / 16, 256, 8),
            "cancer": lambda: (load_breast_cancer().data, 64, 4),
            "file": lambda: (np.load(str(cell.file)), 1024, 16),
        }[cell.data]()
        X = X[np.random.default_rng(cell.seed).permutation(len(X))].astype(np.float32)
        return X[: len(X) * 9 // 10], X[len(X) * 9 // 10 :], None, n_latents, k
    if cell.data == "uneven":
        X, features = uneven(cell.rows + HELD, cell.seed)
        return X[: cell.rows], X[cell.rows :], features, 160, 4
    options = SETS[cell.data]
    known = datasets.known_dictionary(cell.rows + HELD, **options, magnitude_std=0.3, random_state=cell.seed)
    X, features = known.rows, known.features
    return X[: cell.rows], X[cell.rows :], features, len(features), options["active"]


def measure(cell: Cell) -> dict[str, float]:
    """Return the numbers of one fit."""
    X, held_out, features, n_latents, k = drawn(cell)
    settings = dict(CHANGES[cell.name])
    from_rows = settings.pop("from_rows", dictionary.FROM_ROWS)
    settings["sparsity"] = settings["sparsity"].replace("{2k}", str(2 * k)).replace("{k}", str(k))
    start = time.perf_counter()
    with patch.object(dictionary, "FROM_ROWS", from_rows):
        model = DictionaryAutoencoder(n_latents, k=k, random_state=cell.seed, **settings).fit(X)
    result = {"seconds": time.perf_counter() - start, "k": float(k)}
    active = sum(np.diff(model.transform(X[i : i + 10_000]).tocsc().indptr) for i in range(0, len(X), 10_000))
    result |= {"dead": float((active == 0).mean()), "fvu": 1 - model.score(held_out)}
    result["l0"] = model.transform(held_out).nnz / len(held_out)
    if features is not None:
        directions = model.components_ / np.linalg.norm(model.components_, axis=1, keepdims=True)
        cosines = np.abs(features @ directions.T)
        matched = cosines[linear_sum_assignment(-cosines)]
        result |= {"mcc": float(matched.mean()), "rarest": float(matched[-len(matched) // 3 :].mean())}
    return result


def table(done: dict[Cell, dict[str, float]]) -> Iterator[str]:
    """Yield the table's lines: means over seeds with their standard errors, and the least MCC."""
    yield "| data | | seeds | MCC (least) | rarest third | dead | L0 (from the target, at most) | FVU |"
    yield "|---|---|---|---|---|---|---|---|"
    for data, name in dict.fromkeys((cell.data, cell.name) for cell in done):
        results = [result for cell, result in done.items() if (cell.data, cell.name) == (data, name)]
        columns = {key: np.array([result[key] for result in results]) for key in results[0]}
        missed = np.abs(columns["l0"] / columns["k"] - 1).max()
        numbers = (
            f"{_mean(columns['dead'], 3)} | {columns['l0'].mean():.2f} ({missed:.1%}) | {_mean(columns['fvu'], 4)}"
        )
        found = " | "
        if "mcc" in columns:
            found = f"{_mean(columns['mcc'], 4)} ({columns['mcc'].min():.4f}) | {columns['rarest'].mean():.3f}"
        yield f"| {data} | {name} | {len(results)} | {found} | {numbers} |"


def _mean(values: np.ndarray, digits: int) -> str:
    """Return the mean over seeds, ± its standard error where there are several."""
    error = f" ± {values.std(ddof=1) / len(values) ** 0.5:.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{error}"


def main() -> None:
    """Run the fits that are not in the cache, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=("uneven", *SETS, "mnist", "digits", "cancer", "file"))
    parser.add_argument("--only", help="lines of CHANGES, joined by /")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--mnist")
    parser.add_argument("--file")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--out")
    args = parser.parse_args()
    rows = args.rows or {"uneven": 120_000, "mnist": 10_000}.get(args.data, 200_000)
    names = args.only.split("/") if args.only else list(CHANGES)
    args.cache.mkdir(parents=True, exist_ok=True)
    cells = [Cell(args.data, name, seed, rows, args.mnist or args.file) for seed in range(args.seeds) for name in names]
    files = {cell: args.cache / f"{cell.data}-{rows}-{cell.name}-{cell.seed}.json".replace(" ", "_") for cell in cells}
    todo = [cell for cell in cells if not files[cell].exists()]
    with ProcessPoolExecutor(args.processes) as pool:
        for cell, result in zip(todo, pool.map(measure, todo), strict=True):
            files[cell].write_text(json.dumps(asdict(cell) | result))
            print(cell.name, cell.seed, result, file=sys.stderr, flush=True)
    results = {cell: json.loads(files[cell].read_text()) for cell in cells}
    numbers = {cell: {k: v for k, v in result.items() if isinstance(v, float)} for cell, result in results.items()}
    command = f"`python benchmarks/ablation.py {args.data}" + (f' --only "{args.only}"' if args.only else "")
    size = "" if args.data in ("digits", "cancer", "file") else f"; {rows:,} rows"
    publish(f"{command} --seeds {args.seeds}`{size}", [*table(numbers)], args.out)


if __name__ == "__main__":
    main()
