"""Shared parts of the comparisons with other libraries: fits, their numbers, the cache, the choice of a learning rate.

A contestant is a mapping. For a peer it has "peer", the name in peers/train.py, and further options of that script.
For taciturn it has DictionaryAutoencoder's parameters; {rate} in the learning rate is replaced by the cell's rate.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one fit per process

import numpy as np
from denoising import publish
from scipy.sparse import csr_array

from taciturn import DictionaryAutoencoder

TRAIN = Path(__file__).parent / "peers" / "train.py"
SEARCHED = {
    "saelens-jumprelu": 0.35,
    "dl-jumprelu": 1.0,
}  # peers whose L0 depends on a coefficient; first guesses
NEAR, TRIES = 0.03, 8  # of the search: accepted |ln(L0 / k)|, most fits
ALLOWED = 1.1  # times k: a learning rate with a larger L0 is not chosen, whatever its error

Contestant = Mapping[str, Any]
Numbers = dict[str, float]


@dataclass(frozen=True)
class Cell:
    """One fit."""

    data: str
    name: str
    latents: int
    k: int
    steps: int  # rounded to whole epochs
    batch: int
    rate: float
    seed: int = 0
    coefficient: float = 0.0  # for peers whose L0 depends on one; 0: search it

    @property
    def file(self) -> str:
        """The name of the file with this fit's numbers."""
        return "_".join(str(part).replace(" ", "-").replace(",", "") for part in astuple(self)) + ".json"


@dataclass(frozen=True, eq=False)
class Fit:
    """A trained dictionary and its results on the held-out rows."""

    decoder: np.ndarray  # [L, D], in the rows' units
    codes: csr_array[Any, Any]  # [held-out rows, L]; stored entries are active
    fvu: float
    dead: float  # the share of latents that are active on no training row
    seconds: float

    def numbers(self) -> Numbers:
        """Return the numbers that every comparison uses."""
        dead_held_out = 1 - len(np.unique(self.codes.indices)) / len(self.decoder)
        l0 = self.codes.nnz / self.codes.shape[0]
        return {"fvu": self.fvu, "l0": l0, "dead": self.dead, "dead_held": dead_held_out, "seconds": self.seconds}


def epochs(cell: Cell, n_rows: int) -> tuple[int, int]:
    """Return the number of whole epochs nearest to the cell's steps, and their number of steps."""
    steps_per_epoch = math.ceil(n_rows / cell.batch)
    count = max(round(cell.steps / steps_per_epoch), 1)
    return count, count * steps_per_epoch


def ours(cell: Cell, contestant: Contestant, train: np.ndarray, held_out: np.ndarray) -> Fit:
    """Return taciturn's fit."""
    parameters = dict(contestant) | {"learning_rate": contestant["learning_rate"].format(rate=cell.rate)}
    model = DictionaryAutoencoder(
        cell.latents,
        k=cell.k,
        scaling="none",
        batch_size=cell.batch,
        max_iter=epochs(cell, len(train))[0],
        device="cpu",
        random_state=cell.seed,
        **parameters,
    )
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a missed L0 is visible in the table
        model.fit(train)
    seconds = time.perf_counter() - start
    dead = 1 - len(np.unique(model.transform(train).indices)) / cell.latents
    return Fit(model.components_, model.transform(held_out), 1 - model.score(held_out), dead, seconds)


def called(*command: str) -> None:
    """Run a script of another environment; raise RuntimeError with the end of its stderr if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-2000:]}")


def peers(cell: Cell, contestant: Contestant, python: str, rows: Path, n_rows: int) -> Fit:
    """Return a peer's fit, trained in its own environment."""
    options = {"latents": cell.latents, "k": cell.k, "batch": cell.batch, "lr": cell.rate, "seed": cell.seed}
    options |= {"rows": rows, "steps": epochs(cell, n_rows)[1]}
    options |= {"l0-coefficient": cell.coefficient} if cell.coefficient else {}
    options |= {option: value for option, value in contestant.items() if option != "peer" and value is not True}
    command = [python, str(TRAIN), contestant["peer"], *(f"--{name}={value}" for name, value in options.items())]
    command += [f"--{option}" for option, value in contestant.items() if value is True]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "fit.npz"
        called(*command, f"--out={out}")
        with np.load(out) as file:
            codes = (np.ones(len(file["indices"]), bool), file["indices"], file["indptr"])
            shape = (len(file["indptr"]) - 1, cell.latents)
            fvu, dead, seconds = (float(file[name]) for name in ("fvu", "dead", "seconds"))
            return Fit(file["decoder"], csr_array(codes, shape), fvu, dead, seconds)


def no_more_numbers(fit: Fit, rows: Path) -> Numbers:
    """Return an empty mapping: the default of `Board.judge`."""
    return {}


@dataclass(frozen=True)
class Board:
    """Contestants, the data sets they are compared on, and the cache of their numbers."""

    contestants: Mapping[str, Contestant]
    rows: Mapping[str, Path]  # each data set's .npz with the arrays "train" and "held"
    python: str  # of the peers' environment
    cache: Path
    judge: Callable[[Fit, Path], Numbers] = no_more_numbers  # further numbers of a fit

    def run(self, cell: Cell) -> tuple[Cell, Numbers]:
        """Return a cell, with its coefficient searched where it needs one, and its numbers."""
        guess = SEARCHED.get(self.contestants[cell.name].get("peer", ""))
        return (cell, self.cached(cell)) if guess is None or cell.coefficient else self.search(cell, guess)

    def cached(self, cell: Cell) -> Numbers:
        """Return the numbers of a cell from the cache; fit first if they are not there."""
        file = self.cache / cell.file
        if not file.exists():
            numbers = self.fit(cell)
            temporary = file.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps(numbers) + "\n", encoding="utf-8")
            temporary.replace(file)
            print(cell.file.removesuffix(".json"), " ".join(f"{n} {v:.4g}" for n, v in numbers.items()), flush=True)
        return json.loads(file.read_text(encoding="utf-8"))

    def fit(self, cell: Cell) -> Numbers:
        """Train a cell's contestant and return its numbers."""
        contestant, rows = self.contestants[cell.name], self.rows[cell.data]
        with np.load(rows) as file:
            train, held_out = file["train"], file["held"]
        if "peer" in contestant:
            fit = peers(cell, contestant, self.python, rows, len(train))
        else:
            fit = ours(cell, contestant, train, held_out)
        return fit.numbers() | self.judge(fit, rows)

    def search(self, cell: Cell, guess: float) -> tuple[Cell, Numbers]:
        """Return the cell with the coefficient whose L0 is nearest to k, and its numbers.

        A larger coefficient gives a smaller L0; the search assumes a line in logarithms.
        """
        tried: list[tuple[float, Cell, Numbers]] = []
        low, high = (-math.inf, 0.0), (math.inf, 0.0)  # (ln coefficient, ln L0 / k): L0 too large, too small
        position = math.log(guess)
        for _ in range(TRIES):
            candidate = replace(cell, coefficient=float(f"{math.exp(position):.4g}"))
            numbers = self.cached(candidate)
            excess = math.log(max(numbers["l0"] / cell.k, 1e-3))
            tried.append((abs(excess), candidate, numbers))
            if abs(excess) <= NEAR:
                break
            low, high = ((position, excess), high) if excess > 0 else (low, (position, excess))
            if math.isinf(low[0]) or math.isinf(high[0]):
                position += min(max(excess, -2.0), 2.0)
            else:
                position = low[0] + (high[0] - low[0]) * min(max(low[1] / (low[1] - high[1]), 0.2), 0.8)
        return min(tried, key=lambda result: result[0])[1:]

    def rates(self, name: str, latents: int, requested: Iterable[float]) -> list[float]:
        """Return the learning rates to choose from; sparsify's sign descent also has its default, far from Adam's."""
        sign = self.contestants[name].get("peer") == "sparsify-topk"
        return [*requested, *([float(f"{5e-3 / math.sqrt(latents / 2**14):.3g}")] if sign else [])]

    def meet(self, cells: list[Cell], rates: list[float], seeds: int) -> dict[Cell, list[Numbers]]:
        """Return each cell at the learning rate that is best on its seed, with the numbers of all seeds."""
        self.cache.mkdir(parents=True, exist_ok=True)
        swept = [replace(cell, rate=rate) for cell in cells for rate in self.rates(cell.name, cell.latents, rates)]
        with ProcessPoolExecutor(2) as pool:
            done = list(pool.map(self.run, swept))
            chosen = [best([pair for pair in done if (pair[0].data, pair[0].name) == (c.data, c.name)]) for c in cells]
            todo = [replace(cell, seed=seed) for cell in chosen for seed in range(seeds)]
            results = dict(pool.map(self.run, todo))
        return {cell: [results[replace(cell, seed=seed)] for seed in range(seeds)] for cell in chosen}


def best(done: list[tuple[Cell, Numbers]]) -> Cell:
    """Return the cell with the least FVU among those whose L0 is at most ALLOWED times k."""

    def order(pair: tuple[Cell, Numbers]) -> tuple[float, float]:
        cell, numbers = pair
        return max(numbers["l0"] / cell.k - ALLOWED, 0.0), numbers["fvu"] if math.isfinite(numbers["fvu"]) else math.inf

    return min(done, key=order)[0]


def mean(results: list[Numbers], name: str, digits: int) -> str:
    """Return the mean over seeds, ± its standard error where there are several."""
    values = [result[name] for result in results]
    error = f" ± {np.std(values, ddof=1) / math.sqrt(len(values)):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{error}"


def options(doc: str | None, cache: str, rates: str, **numbers: int) -> argparse.ArgumentParser:
    """Return the parser of a comparison's options; `numbers` are its integer options with their defaults."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True)
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rates", default=rates)
    parser.add_argument("--only", help="contestants to run, joined by /")
    parser.add_argument("--cache", type=Path, default=Path(cache))
    parser.add_argument("--out")
    return parser


def compete(
    board: Board, args: argparse.Namespace, table: Callable[[dict[Cell, list[Numbers]]], Iterable[str]]
) -> None:
    """Run all contestants, two fits at a time, and print the table."""
    sizes = (args.latents, args.k, args.steps, args.batch)
    names = only(args.only, board.contestants)
    cells = [Cell(data, name, *sizes, 0.0) for data in board.rows for name in names]
    results = board.meet(cells, [float(rate) for rate in args.rates.split(",")], args.seeds)
    title = f"{args.latents:,} latents, k {args.k}, {args.steps:,} steps of {args.batch:,} rows, {args.seeds} seeds"
    publish(title, [*table(results)], args.out)


def mine(sparsity: str, rate: str = "decay:{rate},last=0.2", **more: Any) -> Contestant:
    """Return a contestant of taciturn: defaults, except for the learning rate's size."""
    return {"sparsity": sparsity, "learning_rate": rate, **more}


def only(names: str | None, contestants: Mapping[str, Contestant]) -> list[str]:
    """Return the contestants in `names`, joined by /; all of them without `names`."""
    requested = names.split("/") if names else list(contestants)
    unknown = [name for name in requested if name not in contestants]
    return sys.exit(f"--only: {unknown[0]!r} is not one of {' / '.join(contestants)}") if unknown else requested
