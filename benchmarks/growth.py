"""How an epoch's seconds grow with rows, inputs, latents, k and threads.

python benchmarks/growth.py [--rounds 5] [--figure FILE.png] [--out TABLE.md]

From one base, 8,192 rows of 256 inputs, 2,048 latents, k 32 (a rate of 0.05 for the sigmoid), batches of 1,024, one
size at a time is changed, fourfold in steps of two. An epoch is all that `fit` does in it. Sizes take turns within a
round; medians. The exponent is the slope of the straight line through the logarithms: 1 is "twice as many, twice as
long". Threads: torch's.
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
    """Return the seconds of an epoch, the second of two."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(size["rows"], size["inputs"])).astype(np.float32)
    given: dict[str, Any] = {"batch_size": 1024, "max_iter": 2, "random_state": 0, "device": "cpu", "scaling": "none"}
    torch.set_num_threads(size["threads"])
    if kind == "topk":
        model = DictionaryAutoencoder(size["latents"], k=size["k"], sparsity=f"topk:{size['k']}+auxk", **given)
    else:
        sparsity = "kl:0.05,weight=0.1"
        model = SparseAutoencoder(size["latents"], sparsity=sparsity, corruption="gaussian:0.1", **given)
    return float(model.fit(X).history_["seconds"][1])


def measured(rounds: int) -> Iterator[tuple[str, str, dict[int, float]]]:
    """Yield what is trained, what is changed, and the seconds by its size."""
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
    """Return the slope in logarithms."""
    return float(np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0])


def draw(found: list[tuple[str, str, dict[int, float]]], file: str) -> None:
    """Draw seconds against sizes, both in logarithms."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 3), layout="constrained")
    for axes, what in zip(figure.subplots(1, len(SIZES), sharey=True), SIZES, strict=True):
        for kind, changed, seconds in found:
            if changed == what:
                axes.loglog([*seconds], [*seconds.values()], "o-", label=f"{kind}: {exponent(seconds):.2f}")
        axes.set_xticks([*SIZES[what]], [f"{value:,}" for value in SIZES[what]])
        axes.minorticks_off()
        axes.set_xlabel(what)
        axes.legend(frameon=False)
    figure.axes[0].set_ylabel("seconds an epoch")
    figure.savefig(file, dpi=150)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--figure")
    parser.add_argument("--out")
    asked = parser.parse_args()
    found = list(measured(asked.rounds))
    lines = ["| | changed | seconds an epoch | exponent |", "|---|---|---|---|"]
    for kind, what, seconds in found:
        told = ", ".join(f"{value:,}: {taken:.3f}" for value, taken in seconds.items())
        lines.append(f"| {kind} | {what} | {told} | {exponent(seconds):.2f} |")
    base = ", ".join(f"{name} {value:,}" for name, value in BASE.items())
    publish(f"base {base}; medians of {asked.rounds} rounds", lines, [(k, w, s) for k, w, s in found], asked.out)
    if asked.figure:
        draw(found, asked.figure)


if __name__ == "__main__":
    main()
