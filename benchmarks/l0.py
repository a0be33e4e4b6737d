"""Measure L0 under fixed penalty weights, and how closely each coding layer meets a target of 8 or 32.

python benchmarks/l0.py [--seeds N] [--out TABLE.md]

Rows of known features: 20,000 rows of 64 inputs, sums of 8 of 256 features, noise 0.02. All numbers are of 10,000
more rows. First table: JumpReLU under its linear L0 penalty with fixed weights, seed 0. Second table: JumpReLU's
bandwidth, target 8, seed 0. Third table: every coding layer with targets 8 and 32 and no other settings; L0 is the
mean over seeds and the one furthest from the target. MCC: the mean |cosine| of features and latents matched one to
one.
"""

import argparse
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one fit per process

import numpy as np
from denoising import publish

from taciturn import DictionaryAutoencoder, datasets
from taciturn.metrics import mcc

KNOWN = {"n_features": 256, "n_inputs": 64, "active": 8, "noise": 0.02, "magnitude_std": 0.3}
ROWS, HELD = 20_000, 10_000
WEIGHTS = (0.0, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0)
WIDTHS = (0.1, 0.3, 1.0, 3.0)
SPARSITIES = ("topk", "batch_topk", "jumprelu", "gated", "l1")
TARGETS = (8, 32)

Numbers = tuple[float, float, float]


@dataclass(frozen=True)
class Cell:
    """One fit."""

    sparsity: str
    k: int
    seed: int = 0


def measure(cell: Cell) -> Numbers:
    """Return L0 and FVU of the held-out rows, and the MCC."""
    train = datasets.known_dictionary(ROWS, **KNOWN, random_state=cell.seed)
    held_out = datasets.known_dictionary(HELD, **KNOWN, start=ROWS, random_state=cell.seed)
    model = DictionaryAutoencoder(256, k=cell.k, sparsity=cell.sparsity, scaling="none", random_state=cell.seed)
    model.fit(train.rows)
    cosine = mcc(model.components_, train.features)
    return model.transform(held_out.rows).nnz / HELD, 1 - model.score(held_out.rows), cosine


def settings(name: str, values: Iterable[float], results: Iterable[Numbers]) -> Iterator[str]:
    """Yield the table of one setting."""
    yield f"| {name} | L0 | FVU | MCC |"
    yield "|---|---|---|---|"
    for value, (l0, fvu, cosine) in zip(values, results, strict=True):
        yield f"| {value:g} | {l0:.2f} | {fvu:.4f} | {cosine:.3f} |"


def targets(done: dict[Cell, Numbers], seeds: int) -> Iterator[str]:
    """Yield the table of L0 targets and results."""
    yield "| target | | L0, mean | furthest | FVU, mean | MCC, mean |"
    yield "|---|---|---|---|---|---|"
    for k in TARGETS:
        for sparsity in SPARSITIES:
            l0s, fvus, cosines = zip(*(done[Cell(sparsity, k, seed)] for seed in range(seeds)), strict=True)
            furthest = max(l0s, key=lambda l0: abs(l0 - k))
            l0 = f"{np.mean(l0s):.2f} | {furthest:.2f} ({furthest / k - 1:+.1%})"
            yield f"| {k} | {sparsity} | {l0} | {np.mean(fvus):.4f} | {np.mean(cosines):.3f} |"


def fixed(weight: float) -> Cell:
    """Return the cell of JumpReLU under an L0 penalty with a fixed weight."""
    return Cell(f"jumprelu+l0:weight={weight}", 8)


def wide(width: float) -> Cell:
    """Return the cell of JumpReLU with this bandwidth and an L0 target of 8."""
    return Cell(f"jumprelu:bandwidth={width}+l0:l0=8", 8)


def main() -> None:
    """Run all fits, two at a time, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out")
    args = parser.parse_args()
    todo = [*map(fixed, WEIGHTS), *map(wide, WIDTHS)]
    todo += [Cell(sparsity, k, seed) for k in TARGETS for sparsity in SPARSITIES for seed in range(args.seeds)]
    with ProcessPoolExecutor(2) as pool:
        done = dict(zip(todo, pool.map(measure, todo), strict=True))
    tables = [*settings("weight", WEIGHTS, (done[fixed(weight)] for weight in WEIGHTS)), ""]
    tables += settings("bandwidth", WIDTHS, (done[wide(width)] for width in WIDTHS))
    publish(f"{args.seeds} seeds", [*tables, "", *targets(done, args.seeds)], args.out)


if __name__ == "__main__":
    main()
