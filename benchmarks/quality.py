"""Equal quality: the error on held rows against the seconds of training, ours and other toolkits'.

python benchmarks/quality.py --peers PYTHON [--data known,mnist] [--mnist FILE.npz] [--latents 2048] [--k 32]
       [--batch 1024] [--epochs 1,2,4] [--rates 3e-3,1e-2] [--only NAMES] [--cache FOLDER] [--figure FILE.png]
       [--out TABLE.md]

Each trains for so many epochs, once for each number of them, with its own schedule to its own end, alone on two threads
(peers/train.py says how each peer is driven, frontier.py what the rows are), at that one of the rates at which its
longest training ends best. A point is one fit: its seconds without setting up, and the FVU of the model as used. "to
match": the seconds that ours takes to a peer's last FVU, by the straight line between points. Not in it: SAELens's
BatchTopK, of which 34 to 80 latents speak of a held row where 32 are asked for.
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
    "sparsify-topk": {"peer": "sparsify-topk"},
    "dl-topk": {"peer": "dl-topk"},
    "saelens-topk": {"peer": "saelens-topk"},
}
Curve = list[tuple[float, float]]  # seconds, FVU


def to_match(ours: Curve, fvu: float) -> float:
    """Return the seconds that ours takes to an FVU; NaN, if it never gets there."""
    seconds, errors = (np.array(column) for column in zip(*ours, strict=True))
    if errors.min() > fvu:
        return float("nan")
    return float(np.interp(-fvu, -errors, seconds))  # errors fall


def table(curves: dict[str, dict[str, Curve]], rates: dict[tuple[str, str], float]) -> list[str]:
    """Return the lines."""
    lines = ["| data | | rate | seconds: FVU | to match, ours (topk) | speed-up |", "|---|---|---|---|---|---|"]
    for data, of in curves.items():
        for name, curve in of.items():
            points = ", ".join(f"{seconds:.1f}: {fvu:.4f}" for seconds, fvu in curve)
            matched = to_match(of["taciturn topk"], curve[-1][1]) if "taciturn topk" in of else float("nan")
            told = f"{matched:.1f} s | {curve[-1][0] / matched:.1f}" if np.isfinite(matched) else "never | "
            told = " | " if name.startswith("taciturn") else told
            lines.append(f"| {data} | {name} | {rates[data, name]:g} | {points} | {told} |")
    return lines


def draw(curves: dict[str, dict[str, Curve]], file: str) -> None:
    """Draw FVU against seconds, one panel a data set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(curves), 4), layout="constrained")
    for axes, (data, of) in zip(np.atleast_1d(figure.subplots(1, len(curves))), curves.items(), strict=True):
        for name, curve in of.items():
            style: dict[str, Any] = {"lw": 2} if name.startswith("taciturn") else {"lw": 1, "ls": "--"}
            axes.semilogx(*zip(*curve, strict=True), marker="o", label=name, **style)
        axes.set_xticks([2, 5, 10, 20, 40], ["2", "5", "10", "20", "40"])
        axes.minorticks_off()
        axes.set(title=data, xlabel="seconds of training, two threads", ylabel="FVU on held rows")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(file, dpi=150)


def main() -> None:
    """Run one fit after the other, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--data", default="known")
    parser.add_argument("--mnist")
    for name, value in (("latents", 2048), ("k", 32), ("batch", 1024)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--epochs", default="1,2,4")
    parser.add_argument("--rates", default="3e-3,1e-2")
    parser.add_argument("--only", help="these contestants, joined by /")
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
            chosen = best([(cell, board.kept(cell)) for cell in swept])
            for epochs in lengths:
                found = board.kept(replace(chosen, steps=epochs * steps))
                curve.append((found["seconds"], found["fvu"]))
            rates[data, name] = chosen.rate
    sizes = f"{a.latents:,} latents, k {a.k}, batches of {a.batch:,}, {a.epochs} epochs"
    title = f"{sizes}, 2 threads, one seed"
    publish(title, table(curves, rates), curves, a.out)
    if a.figure:
        draw(curves, a.figure)


if __name__ == "__main__":
    main()
