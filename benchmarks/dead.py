"""Dead latents: how many are left, with and without revival, after the same rows; ours beside other toolkits'.

python benchmarks/dead.py --peers PYTHON --mnist FILE.npz [--latents 8192] [--k 32] [--rows 1000000] [--batch 256]
       [--seeds 3] [--rates 1e-3] [--only NAMES] [--cache FOLDER] [--out TABLE.md]

PYTHON is what benchmarks/peers/setup.sh names; benchmarks/peers/train.py says how each peer is driven. MNIST, pixels in
[0, 1]; `--rows` are seen, rounded to whole epochs of 60,000. Dead is the share of latents that no training image, and
that no test image, wakes in the end, as each model is used after training; FVU on the test images; medians over seeds,
the largest share of dead besides. Of several `--rates` each has its best, chosen on seed 0 by the FVU.

Ours with every revival; peers as they come, in which a latent is taken for dead after 1,000 steps (SAELens) or
10,000,000 rows (dictionary_learning), or no latent is (sparsify), and "10,000": with their auxiliary loss for latents
silent for as many rows, as ours is.
"""

from collections.abc import Iterator

from contest import Board, Cell, Contestant, Numbers, compete, mine, options
from frontier import AFTER, written

import numpy as np  # isort: skip  # after contest, which sets the threads

WAYS = (None, "auxk", "resample", "auxk+resample")
PEERS = ("saelens-topk", "sparsify-topk", "dl-topk", "dl-batchtopk")
CONTESTANTS: dict[str, Contestant] = {
    **{f"{name}, {way or 'none'}": mine(name, revive=way) for name in ("topk", "batch_topk") for way in WAYS},
    **{name: {"peer": name} for name in PEERS},
    **{f"{name}, {AFTER:,}": {"peer": name, "dead-after": AFTER} for name in PEERS},
}


def table(found: dict[Cell, list[Numbers]]) -> Iterator[str]:
    """Yield the lines: medians over seeds."""
    yield "| | rate | dead, training rows (most) | dead, test rows | FVU | L0 | s |"
    yield "|---|---|---|---|---|---|---|"
    for cell, results in found.items():
        names = ("dead", "dead_held", "fvu", "l0", "seconds")
        dead, held, fvu, l0, s = (np.median([result[name] for result in results]) for name in names)
        most = max(result["dead"] for result in results)
        line = f"| {cell.name} | {cell.rate:g} | {dead:.1%} ({most:.1%}) | {held:.1%} "
        yield f"{line}| {fvu:.4f} | {l0:.1f} | {s:.0f} |"


def main() -> None:
    """Compete on MNIST."""
    parser = options(__doc__, "runs/dead", "1e-3", latents=8192, k=32, rows=1_000_000, batch=256, seeds=3)
    parser.add_argument("--mnist", required=True)
    asked = parser.parse_args()
    asked.steps = asked.rows // asked.batch
    board = Board(CONTESTANTS, {"mnist": written("mnist", asked.cache, asked.mnist)}, asked.peers, asked.cache)
    compete(board, asked, table)


if __name__ == "__main__":
    main()
