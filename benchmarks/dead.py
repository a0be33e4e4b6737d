"""Count dead latents after training on the same rows, with and without revival: taciturn beside other libraries.

python benchmarks/dead.py --peers PYTHON --mnist FILE.npz [--latents 8192] [--k 32] [--rows 1000000] [--batch 256]
       [--seeds 3] [--rates 1e-3] [--only NAMES] [--cache FOLDER] [--out TABLE.md]

PYTHON is the path that benchmarks/peers/setup.sh prints; benchmarks/peers/train.py describes how each peer is
trained. MNIST, pixels in [0, 1]; each model is trained on `--rows`, rounded to whole epochs of 60,000. Dead is the
share of latents that are active on no training image, and on no test image, when the trained model encodes. FVU is
measured on the test images. Numbers are medians over seeds; the largest share of dead latents is in parentheses. Of
several `--rates` each model has the best, chosen on seed 0 by the FVU.

taciturn runs with every revival, and with nothing set, where the learning rate is automatic too. Peers run with their
defaults: a latent is dead after 1,000 steps (SAELens) or after 10,000,000 rows (dictionary_learning), or never
(sparsify). Names with "10,000" are peers whose auxiliary loss acts on latents inactive for 10,000 rows, as in taciturn.
"""

from collections.abc import Iterator

from contest import Board, Cell, Contestant, Numbers, compete, mine, options
from frontier import AFTER, written

import numpy as np  # isort: skip  # after contest, which sets the threads

WAYS = (None, "auxk", "resample", "auxk+resample")
PEERS = ("saelens-topk", "sparsify-topk", "dl-topk", "dl-batchtopk")
CONTESTANTS: dict[str, Contestant] = {
    **{f"{name}, {way or 'none'}": mine(name, revive=way) for name in ("topk", "batch_topk") for way in WAYS},
    "topk, nothing set": mine("topk", rate="auto"),
    **{name: {"peer": name} for name in PEERS},
    **{f"{name}, {AFTER:,}": {"peer": name, "dead-after": AFTER} for name in PEERS},
}


def table(fits: dict[Cell, list[Numbers]]) -> Iterator[str]:
    """Yield the table's lines: medians over seeds."""
    yield "| | rate | dead, training rows (largest) | dead, test rows | FVU | L0 | s |"
    yield "|---|---|---|---|---|---|---|"
    for cell, results in fits.items():
        names = ("dead", "dead_held", "fvu", "l0", "seconds")
        dead, dead_held_out, fvu, l0, s = (np.median([result[name] for result in results]) for name in names)
        largest = max(result["dead"] for result in results)
        line = f"| {cell.name} | {cell.rate:g} | {dead:.1%} ({largest:.1%}) | {dead_held_out:.1%} "
        yield f"{line}| {fvu:.4f} | {l0:.1f} | {s:.0f} |"


def main() -> None:
    """Run the comparison on MNIST."""
    parser = options(__doc__, "runs/dead", "1e-3", latents=8192, k=32, rows=1_000_000, batch=256, seeds=3)
    parser.add_argument("--mnist", required=True)
    args = parser.parse_args()
    args.steps = args.rows // args.batch
    board = Board(CONTESTANTS, {"mnist": written("mnist", args.cache, args.mnist)}, args.peers, args.cache)
    compete(board, args, table)


if __name__ == "__main__":
    main()
