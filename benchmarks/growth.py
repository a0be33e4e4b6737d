"""Measure how the seconds per epoch grow with rows, inputs, latents, k and threads.

python benchmarks/growth.py [--rounds 5] [--figure FILE.png] [--out TABLE.md]

The base is 8,192 rows of 256 inputs, 2,048 latents, k 32 (a rate of 0.05 for the sigmoid), batches of 1,024. One size
at a time is changed, by factors of two. An epoch is all that `fit` does in it. Sizes take turns within a round;
numbers are medians. The exponent is the slope of the straight line through the logarithms: with 1, twice the size
takes twice the time. Threads are torch's.
"""

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
import torch
from race import publish

from taciturn import DictionaryAutoencoder, SparseAutoencoder

BASE = {"rows": 8192, "inputs": 256, "latents": 2048, "k": 32, "threads": 2}
SIZES = {
    "rows": (4096, 8192, 16384),
    "inputs": (128, 256, 512),
    "latents": (1024, 2048, 4096, 8192),
    "k": (8, 16, 32, 64),
    "threads": (1, 2),
}
KINDS = ("topk", "kl")


def epoch(kind: str, size: dict[str, int]) -> float:
    """Return the seconds of the second of two epochs."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(size["rows"], size["inputs"])).astype(np.float32)
    settings: dict[str, Any] = {
        "batch_size": 1024,
        "max_iter": 2,
        "random_state": 0,
        "device": "cpu",
        "scaling": "none",
    }
    torch.set_num_threads(size["threads"])
    if kind == "topk":
        model = DictionaryAutoencoder(size["latents"], k=size["k"], sparsity=f"topk:{size['k']}+auxk", **settings)
    else:
        sparsity = "kl:0.05,weight=0.1"
        model = SparseAutoencoder(size["latents"], sparsity=sparsity, corruption="gaussian:0.1", **settings)
    return float(model.fit(X).history_["seconds"][1])


def measured(rounds: int) -> Iterator[tuple[str, str, dict[int, float]]]:
    """Yield the kind of model, the size that is changed, and the seconds by its value."""
    cells = [(kind, what) for kind in KINDS for what in SIZES if (kind, what) != ("kl", "k")]
    for kind, what in cells:
        taken: dict[int, list[float]] = {value: [] for value in SIZES[what]}
        for _ in range(rounds):
            start = time.perf_counter()
            for value in SIZES[what]:
                taken[value].append(epoch(kind, BASE | {what: value}))
            print(kind, what, f"{time.perf_counter() - start:.1f} s", flush=True)
        yield kind, what, {value: statistics.median(seconds) for value, seconds in taken.items()}


def exponent(seconds: dict[int, float]) -> float:
    """Return the slope of ln seconds against ln size."""
    return float(np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0])


def draw(results: list[tuple[str, str, dict[int, float]]], file: str) -> None:
    """Draw seconds against sizes on logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 3), layout="constrained")
    for axes, what in zip(figure.subplots(1, len(SIZES), sharey=True), SIZES, strict=True):
        for kind, changed, seconds in results:
            if changed == what:
                axes.loglog([*seconds], [*seconds.values()], "o-", label=f"{kind}: {exponent(seconds):.2f}")
        axes.set_xticks([*SIZES[what]], [f"{value:,}" for value in SIZES[what]])
        axes.minorticks_off()
        axes.set_xlabel(what)
        axes.legend(frameon=False)
    figure.axes[0].set_ylabel("seconds per epoch")
    figure.savefig(file, dpi=150)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--figure")
    parser.add_argument("--out")
    args = parser.parse_args()
    results = list(measured(args.rounds))
    lines = ["| | changed | seconds per epoch | exponent |", "|---|---|---|---|"]
    for kind, what, seconds in results:
        numbers = ", ".join(f"{value:,}: {taken:.3f}" for value, taken in seconds.items())
        lines.append(f"| {kind} | {what} | {numbers} | {exponent(seconds):.2f} |")
    base = ", ".join(f"{name} {value:,}" for name, value in BASE.items())
    publish(f"base {base}; medians of {args.rounds} rounds", lines, [(k, w, s) for k, w, s in results], args.out)
    if args.figure:
        draw(results, args.figure)


if __name__ == "__main__":
    main()
