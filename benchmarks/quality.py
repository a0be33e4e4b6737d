"""Compare the error on held-out rows against the seconds of training: taciturn beside other libraries.

python benchmarks/quality.py --peers PYTHON [--data known,mnist] [--mnist FILE.npz] [--latents 2048] [--k 32]
       [--batch 1024] [--epochs 1,2,4] [--rates 3e-3,1e-2] [--only NAMES] [--cache FOLDER] [--figure FILE.png]
       [--out TABLE.md]

Each model is trained once for each number of epochs, with its own complete schedule, alone on two threads.
peers/train.py describes how each peer is trained, frontier.py the rows. Of the learning rates each model has the one
that is best in its longest training. A point is one fit: its seconds without set-up, and the FVU of the trained
model. "to match": the seconds in which taciturn reaches a peer's last FVU, interpolated linearly. SAELens's BatchTopK
is left out: it has 34 to 80 active latents per held-out row with k = 32. "small start": the encoder's rows start with
norm 0.1, and the learning rate rises over the first 10% of the steps.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "2"

import numpy as np
from contest import Board, Cell, Contestant, best, mine, only
from frontier import written
from race import publish

CONTESTANTS: dict[str, Contestant] = {
    "taciturn topk": mine("topk"),
    "taciturn topk, int8": mine("topk", precision="int8"),
    "taciturn batch_topk": mine("batch_topk"),
    **{
        f"taciturn {name}, small start": mine(name, "decay:{rate},last=0.2,first=0.1", initial_norm=0.1)
        for name in ("topk", "batch_topk")
    },
    "sparsify-topk": {"peer": "sparsify-topk"},
    "dl-topk": {"peer": "dl-topk"},
    "saelens-topk": {"peer": "saelens-topk"},
}
Curve = list[tuple[float, float]]  # seconds, FVU


def to_match(ours: Curve, fvu: float) -> float:
    """Return the seconds in which taciturn reaches an FVU; NaN if it does not."""
    seconds, errors = (np.array(column) for column in zip(*ours, strict=True))
    if errors.min() > fvu:
        return float("nan")
    return float(np.interp(-fvu, -errors, seconds))  # np.interp needs rising numbers


def table(curves: dict[str, dict[str, Curve]], rates: dict[tuple[str, str], float]) -> list[str]:
    """Return the table's lines."""
    lines = ["| data | | rate | seconds: FVU | to match, ours (topk) | speed-up |", "|---|---|---|---|---|---|"]
    for data, of in curves.items():
        for name, curve in of.items():
            points = ", ".join(f"{seconds:.1f}: {fvu:.4f}" for seconds, fvu in curve)
            matched = to_match(of["taciturn topk"], curve[-1][1]) if "taciturn topk" in of else float("nan")
            match = f"{matched:.1f} s | {curve[-1][0] / matched:.1f}" if np.isfinite(matched) else "never | "
            match = " | " if name.startswith("taciturn") else match
            lines.append(f"| {data} | {name} | {rates[data, name]:g} | {points} | {match} |")
    return lines


def draw(curves: dict[str, dict[str, Curve]], file: str) -> None:
    """Draw FVU against seconds, one panel per data set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(curves), 4), layout="constrained")
    for axes, (data, of) in zip(np.atleast_1d(figure.subplots(1, len(curves))), curves.items(), strict=True):
        for name, curve in of.items():
            style: dict[str, Any] = {"lw": 2} if name.startswith("taciturn") else {"lw": 1, "ls": "--"}
            axes.semilogx(*zip(*curve, strict=True), marker="o", label=name, **style)
        axes.set_xticks([2, 5, 10, 20, 40], ["2", "5", "10", "20", "40"])
        axes.minorticks_off()
        axes.set(title=data, xlabel="seconds of training, two threads", ylabel="FVU on held-out rows")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(file, dpi=150)


def main() -> None:
    """Run one fit after another and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--data", default="known")
    parser.add_argument("--mnist")
    for name, value in (("latents", 2048), ("k", 32), ("batch", 1024)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--epochs", default="1,2,4")
    parser.add_argument("--rates", default="3e-3,1e-2")
    parser.add_argument("--only", help="contestants to run, joined by /")
    parser.add_argument("--cache", type=Path, default=Path("runs/quality"))
    parser.add_argument("--figure")
    parser.add_argument("--out")
    a = parser.parse_args()
    rows = {data: written(data, a.cache, a.mnist) for data in a.data.split(",")}
    board = Board(CONTESTANTS, rows, a.peers, a.cache)
    curves: dict[str, dict[str, Curve]] = {data: {} for data in rows}
    rates: dict[tuple[str, str], float] = {}
    for data, file in rows.items():
        with np.load(file) as arrays:
            steps = -(-len(arrays["train"]) // a.batch)
        for name in only(a.only, CONTESTANTS):
            curve, lengths = curves[data].setdefault(name, []), [int(epochs) for epochs in a.epochs.split(",")]
            longest = Cell(data, name, a.latents, a.k, lengths[-1] * steps, a.batch, 0.0)
            swept = [replace(longest, rate=float(rate)) for rate in a.rates.split(",")]
            chosen = best([(cell, board.cached(cell)) for cell in swept])
            for epochs in lengths:
                numbers = board.cached(replace(chosen, steps=epochs * steps))
                curve.append((numbers["seconds"], numbers["fvu"]))
            rates[data, name] = chosen.rate
    sizes = f"{a.latents:,} latents, k {a.k}, batches of {a.batch:,}, {a.epochs} epochs"
    title = f"{sizes}, 2 threads, one seed"
    publish(title, table(curves, rates), curves, a.out)
    if a.figure:
        draw(curves, a.figure)


if __name__ == "__main__":
    main()
