"""What boards with other toolkits share: one fit, ours or a peer's, measured alike and kept, and the choice of a rate.

A contestant is a mapping: for a peer "peer", its name in peers/train.py, and more of that script's options; for ours
DictionaryAutoencoder's parameters, where {rate} in a learning rate stands for the cell's.
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

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one fit a process

import numpy as np
from denoising import publish
from scipy.sparse import csr_array

from taciturn import DictionaryAutoencoder

TRAIN = Path(__file__).parent / "peers" / "train.py"
SEARCHED = {"saelens-jumprelu": 0.35, "dl-jumprelu": 1.0}  # whose L0 follows from a coefficient; a first guess of it
NEAR, TRIES = 0.03, 8  # that search's
ALLOWED = 1.1  # times k: what says more is no choice, however well it reconstructs

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
    coefficient: float = 0.0  # where L0 follows from one; 0: searched for

    @property
    def file(self) -> str:
        """The name of the file that keeps what was found."""
        return "_".join(str(part).replace(" ", "-").replace(",", "") for part in astuple(self)) + ".json"


@dataclass(frozen=True, eq=False)
class Fit:
    """What was learnt, and what it says of the held rows."""

    decoder: np.ndarray  # [L, D], in the rows' units
    codes: csr_array[Any, Any]  # [held rows, L]; what is stored speaks
    fvu: float
    dead: float  # the share of latents that no training row wakes
    seconds: float

    def numbers(self) -> Numbers:
        """Return what all boards ask for."""
        silent = 1 - len(np.unique(self.codes.indices)) / len(self.decoder)
        l0 = self.codes.nnz / self.codes.shape[0]
        return {"fvu": self.fvu, "l0": l0, "dead": self.dead, "dead_held": silent, "seconds": self.seconds}


def epochs(cell: Cell, n_rows: int) -> tuple[int, int]:
    """Return the whole epochs that come next to the cell's steps, and their steps."""
    one = math.ceil(n_rows / cell.batch)
    count = max(round(cell.steps / one), 1)
    return count, count * one


def ours(cell: Cell, contestant: Contestant, train: np.ndarray, held: np.ndarray) -> Fit:
    """Return our fit."""
    given = dict(contestant) | {"learning_rate": contestant["learning_rate"].format(rate=cell.rate)}
    model = DictionaryAutoencoder(
        cell.latents,
        k=cell.k,
        scaling="none",
        batch_size=cell.batch,
        max_iter=epochs(cell, len(train))[0],
        device="cpu",
        random_state=cell.seed,
        **given,
    )
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an L0 that is missed stands in the table
        model.fit(train)
    seconds = time.perf_counter() - start
    dead = 1 - len(np.unique(model.transform(train).indices)) / cell.latents
    return Fit(model.components_, model.transform(held), 1 - model.score(held), dead, seconds)


def called(*command: str) -> None:
    """Run a script of another environment; if it fails, its last words are the error."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-2000:]}")


def peers(cell: Cell, contestant: Contestant, python: str, rows: Path, n_rows: int) -> Fit:
    """Return a peer's fit, made in its own environment."""
    asked = {"latents": cell.latents, "k": cell.k, "batch": cell.batch, "lr": cell.rate, "seed": cell.seed}
    asked |= {"rows": rows, "steps": epochs(cell, n_rows)[1]}
    asked |= {"l0-coefficient": cell.coefficient} if cell.coefficient else {}
    asked |= {option: value for option, value in contestant.items() if option != "peer" and value is not True}
    command = [python, str(TRAIN), contestant["peer"], *(f"--{name}={value}" for name, value in asked.items())]
    command += [f"--{option}" for option, value in contestant.items() if value is True]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "fit.npz"
        called(*command, f"--out={out}")
        with np.load(out) as file:
            codes = (np.ones(len(file["indices"]), bool), file["indices"], file["indptr"])
            shape = (len(file["indptr"]) - 1, cell.latents)
            fvu, dead, seconds = (float(file[name]) for name in ("fvu", "dead", "seconds"))
            return Fit(file["decoder"], csr_array(codes, shape), fvu, dead, seconds)


def nothing(fit: Fit, rows: Path) -> Numbers:
    """Return nothing: a board that asks for no more than all do."""
    return {}


@dataclass(frozen=True)
class Board:
    """Who meets on which rows, and where it is kept."""

    contestants: Mapping[str, Contestant]
    rows: Mapping[str, Path]  # of each data set: "train", "held"
    python: str  # the peers'
    cache: Path
    judge: Callable[[Fit, Path], Numbers] = nothing

    def run(self, cell: Cell) -> tuple[Cell, Numbers]:
        """Return the numbers of a cell, and the cell with its coefficient found where one has to be."""
        guess = SEARCHED.get(self.contestants[cell.name].get("peer", ""))
        return (cell, self.kept(cell)) if guess is None or cell.coefficient else self.search(cell, guess)

    def kept(self, cell: Cell) -> Numbers:
        """Return the numbers of a cell as kept, or fit and keep them."""
        file = self.cache / cell.file
        if not file.exists():
            numbers = self.fit(cell)
            whole = file.with_suffix(f".{os.getpid()}")
            whole.write_text(json.dumps(numbers) + "\n", encoding="utf-8")
            whole.replace(file)
            print(cell.file.removesuffix(".json"), " ".join(f"{n} {v:.4g}" for n, v in numbers.items()), flush=True)
        return json.loads(file.read_text(encoding="utf-8"))

    def fit(self, cell: Cell) -> Numbers:
        """Return the numbers of a fit made now."""
        contestant, rows = self.contestants[cell.name], self.rows[cell.data]
        with np.load(rows) as file:
            train, held = file["train"], file["held"]
        if "peer" in contestant:
            fit = peers(cell, contestant, self.python, rows, len(train))
        else:
            fit = ours(cell, contestant, train, held)
        return fit.numbers() | self.judge(fit, rows)

    def search(self, cell: Cell, guess: float) -> tuple[Cell, Numbers]:
        """Return the cell whose coefficient brings L0 nearest k: more of it, fewer latents, in logarithms a line."""
        tried: list[tuple[float, Cell, Numbers]] = []
        low, high = (-math.inf, 0.0), (math.inf, 0.0)  # ln coefficient, ln L0 / k: says too much, too little
        now = math.log(guess)
        for _ in range(TRIES):
            at = replace(cell, coefficient=float(f"{math.exp(now):.4g}"))
            numbers = self.kept(at)
            excess = math.log(max(numbers["l0"] / cell.k, 1e-3))
            tried.append((abs(excess), at, numbers))
            if abs(excess) <= NEAR:
                break
            low, high = ((now, excess), high) if excess > 0 else (low, (now, excess))
            if math.isinf(low[0]) or math.isinf(high[0]):
                now += min(max(excess, -2.0), 2.0)
            else:
                now = low[0] + (high[0] - low[0]) * min(max(low[1] / (low[1] - high[1]), 0.2), 0.8)
        return min(tried, key=lambda found: found[0])[1:]

    def rates(self, name: str, latents: int, asked: Iterable[float]) -> list[float]:
        """Return the rates to choose from; sign descent has one of its own, far from Adam's."""
        sign = self.contestants[name].get("peer") == "sparsify-topk"
        return [*asked, *([float(f"{5e-3 / math.sqrt(latents / 2**14):.3g}")] if sign else [])]

    def meet(self, cells: list[Cell], rates: list[float], seeds: int) -> dict[Cell, list[Numbers]]:
        """Return each cell at the rate that does best on its seed, and the numbers of all seeds."""
        self.cache.mkdir(parents=True, exist_ok=True)
        swept = [replace(cell, rate=rate) for cell in cells for rate in self.rates(cell.name, cell.latents, rates)]
        with ProcessPoolExecutor(2) as pool:
            done = list(pool.map(self.run, swept))
            chosen = [best([pair for pair in done if (pair[0].data, pair[0].name) == (c.data, c.name)]) for c in cells]
            todo = [replace(cell, seed=seed) for cell in chosen for seed in range(seeds)]
            found = dict(pool.map(self.run, todo))
        return {cell: [found[replace(cell, seed=seed)] for seed in range(seeds)] for cell in chosen}


def best(done: list[tuple[Cell, Numbers]]) -> Cell:
    """Return the cell with the least FVU, among those that say no more than they are allowed to."""

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
    """Return a board's command line: what all boards are asked, and so many numbers with their defaults."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True)
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rates", default=rates)
    parser.add_argument("--only", help="these contestants, joined by /")
    parser.add_argument("--cache", type=Path, default=Path(cache))
    parser.add_argument("--out")
    return parser


def compete(
    board: Board, asked: argparse.Namespace, table: Callable[[dict[Cell, list[Numbers]]], Iterable[str]]
) -> None:
    """Run all contestants, two fits at a time, and print the table."""
    sizes = (asked.latents, asked.k, asked.steps, asked.batch)
    names = only(asked.only, board.contestants)
    cells = [Cell(data, name, *sizes, 0.0) for data in board.rows for name in names]
    found = board.meet(cells, [float(rate) for rate in asked.rates.split(",")], asked.seeds)
    title = (
        f"{asked.latents:,} latents, k {asked.k}, {asked.steps:,} steps of {asked.batch:,} rows, {asked.seeds} seeds"
    )
    publish(title, [*table(found)], asked.out)


def mine(sparsity: str, rate: str = "decay:{rate},last=0.2", **more: Any) -> Contestant:
    """Return one of ours: our recipe, but for the height of its rate."""
    return {"sparsity": sparsity, "learning_rate": rate, **more}


def only(names: str | None, contestants: Mapping[str, Contestant]) -> list[str]:
    """Return the contestants that are named, joined by /; all, if none is."""
    asked = names.split("/") if names else list(contestants)
    unknown = [name for name in asked if name not in contestants]
    return sys.exit(f"--only: {unknown[0]!r} is none of {' / '.join(contestants)}") if unknown else asked
