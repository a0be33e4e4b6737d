"""Measure compiled loops (taciturn.kernels.native) beside torch's operators, in milliseconds, in turns, in one process.

python benchmarks/parts.py [--threads 2] [--rounds 30] [--out TABLE.md]

A TopK chunk has 512 rows, 512 inputs, 8,192 latents; the 32 largest of each row are selected. After an int8 product
the candidates are scored again. A dense batch is the textbook's 784 → 300 → 784 with 256 rows, or digits, 64 → 256 →
64 with 32 rows (speed_classic.py). "fit's step" is an epoch of all that fit does, divided by its batches. Numbers are
medians of the rounds; each round measures both, one after the other.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from race import publish
from speed_classic import LR, RATE, SIGMA, TASKS, WEIGHT, ours

from taciturn.core.seeds import keys
from taciturn.corruption import Dropout, Gaussian
from taciturn.kernels import Int8, Rescored, Top, TorchTables, fast_products
from taciturn.kernels.index import csr
from taciturn.kernels.native import library
from taciturn.kernels.select import top_k
from taciturn.model import Autoencoder, Batch, Layout
from taciturn.model.coding_layers import Sigmoid
from taciturn.objective import KL, Objective, SquaredError
from taciturn.training.solvers import Adam
from taciturn.training.step import ByHand, Compiled

ROWS, INPUTS, LATENTS, K = 512, 512, 8192, 32
Part = Callable[[], Any]


def uncompiled() -> Any:
    """Return a context in which the compiled library is not found."""
    return patch("taciturn.kernels.native.library.compiled_library", lambda: None)


def selections() -> Iterator[tuple[str, Part, Part | None, int]]:
    """Yield the parts of a TopK chunk: name, compiled call, torch call, divisor of their times."""
    rng = torch.Generator().manual_seed(0)
    x, W = torch.randn(ROWS, INPUTS, generator=rng), torch.randn(LATENTS, INPUTS, generator=rng) / INPUTS**0.5
    b, out = torch.zeros(LATENTS), torch.empty(ROWS, LATENTS)
    rounded = Int8(W, b)

    def product() -> None:
        with fast_products(ROWS * W.numel()):
            torch.addmm(b, x, W.t(), out=out)

    product()
    scores = out.clone()
    yield "float32 product", product, None, 1
    yield "selection", lambda: top_k(scores, K), lambda: top_k(scores, K), 1
    yield "int8 product", lambda: rounded.scores(x, out), None, 1
    select = partial(Rescored()._select, x, W, b, rounded, out, Top(K))
    yield "int8 product and selection", select, select, 1
    yield "rounding all weights to int8", lambda: Int8(W, b), None, 1
    index = csr(scores.topk(K).indices.sort().values.flatten(), torch.full((ROWS,), K), LATENTS)
    dots = partial(TorchTables().dots, x, index, W)
    yield "gradients in the codes", dots, dots, 1


def dense(name: str) -> Iterator[tuple[str, Part, Part | None, int]]:
    """Yield the parts of a dense step, as `selections` does."""
    task = TASKS[name]
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(task.batch, task.inputs, generator=rng)
    batch = Batch(x, x, x + SIGMA * torch.randn(x.shape, generator=rng))
    noise = keys(0, "corrupt", 0, list(range(-(-task.batch // 64))))
    for corruption in (Gaussian(SIGMA), Dropout(0.3)):
        draw = partial(corruption.in_blocks, x, noise, 64)
        yield f"{name}: {corruption.text}", draw, draw, 1
    layout = Layout((task.inputs, task.latents), Sigmoid())
    objective = Objective((SquaredError(), KL(RATE, weight=WEIGHT)))
    compiled, by_hand = (kind(Autoencoder(layout, rng=rng), objective) for kind in (Compiled, ByHand))
    if (loops := library.compiled_library()) is not None and loops.rounds:
        rounded = Compiled(Autoencoder(layout, rng=rng), objective, "bf16")
        yield f'{name}: step, precision="bf16"', lambda: rounded.gradients(batch), None, 1
    yield f"{name}: step", lambda: compiled.gradients(batch), lambda: by_hand.gradients(batch), 1
    if name == "digits":  # with more weights Adam is torch's
        adam = Adam().build([{"params": [*compiled.model.parameters()], "weight_decay": 0.0}], LR)
        yield f"{name}: Adam", adam.step, adam.step, 1
    with uncompiled():
        plain = ours(task)
    yield f"{name}: fit's step", ours(task), plain, -(-task.rows // task.batch)


def main() -> None:
    """Measure all parts and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--out")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    results = []
    for name, compiled, plain, units in (*selections(), *dense("gaussian"), *dense("digits")):
        times: dict[str, list[float]] = {"compiled": [], "torch": []}
        for _ in range(a.rounds + 3):
            for kind, part in (("compiled", compiled), ("torch", plain)):
                if part is not None:
                    with nullcontext() if kind == "compiled" else uncompiled():
                        start = time.perf_counter()
                        part()
                        times[kind].append(1000 * (time.perf_counter() - start) / units)
        medians = {kind: statistics.median(measured[3:]) for kind, measured in times.items() if measured}
        results.append({"name": name} | medians)
    lines = ["| | compiled | torch | ratio |", "|---|---|---|---|"]
    for part in results:
        if "torch" in part:
            ratio = part["torch"] / part["compiled"]
            lines.append(f"| {part['name']} | {part['compiled']:.3f} | {part['torch']:.3f} | {ratio:.2f} |")
        else:
            lines.append(f"| {part['name']} | | {part['compiled']:.3f} | |")
    publish(f"{a.threads} threads; medians of {a.rounds} rounds, milliseconds", lines, results, a.out)


if __name__ == "__main__":
    main()
