"""Measure how well hierarchical features are found, on rows of SAELens's own generator.

python benchmarks/hierarchy.py --peers PYTHON [--steps 800] [--batch 1024] [--latents 256] [--k 8] [--seeds 3]
       [--rates 1e-3,3e-3,1e-2,3e-2] [--only NAMES] [--cache FOLDER] [--out TABLE.md]

PYTHON is the path that benchmarks/peers/setup.sh prints. peers/hierarchy_rows.py describes the rows: 98,304 of 128
inputs, made of 1,024 features in trees, of which a model of 256 latents can find a quarter. peers/train.py describes
how each peer is trained. All models are trained on the same rows, equally often; steps are rounded to whole epochs.
Each has the best of the learning rates, chosen on seed 0 by the FVU on held-out rows, among those with an L0 of at
most 1.1 k.

Numbers are of 40,960 held-out rows: means over seeds ± standard errors. Names with "10,000" are models whose
auxiliary loss acts on latents inactive for 10,000 rows, as in taciturn; SAELens's default waits 1,000 steps.

MCC (least)    mean |cosine| of latents matched one to one with features, as SAELens computes it; the least over seeds
cosine         mean |cosine| of each latent with its nearest feature
F1             mean over latents, each as a detector of its nearest feature, SAELens's f1_score
dead           latents that are active on no training row after training
"""

from collections.abc import Iterator
from pathlib import Path

from contest import TRAIN, Board, Cell, Contestant, Fit, Numbers, called, compete, mean, mine, options
from frontier import AFTER

import numpy as np  # isort: skip  # after contest, which sets the threads
from taciturn.metrics import detection, mcc, nearest  # isort: skip

NESTED = (32, 128)
PEERS = ("saelens-topk", "saelens-batchtopk", "saelens-matryoshka", "saelens-jumprelu")
CONTESTANTS: dict[str, Contestant] = {
    **{name: mine(name) for name in ("topk", "batch_topk", "jumprelu", "gated")},
    "topk, matryoshka": mine("topk", matryoshka="auto"),
    "topk, matryoshka 32, 128": mine("topk", matryoshka=NESTED),
    "batch_topk, matryoshka 32, 128": mine("batch_topk", matryoshka=NESTED),
    "topk, refined": mine("topk", refine=1),
    **{name: {"peer": name} for name in PEERS},
    **{f"{name}, {AFTER:,}": {"peer": name, "dead-after": AFTER} for name in PEERS if "jumprelu" not in name},
    "saelens-batchtopk, frozen": {"peer": "saelens-batchtopk", "frozen": True},
}


def judged(fit: Fit, rows: Path) -> Numbers:
    """Return how well the dictionary matches the true features."""
    with np.load(rows) as file:
        features, active = file["features"], file["active"]
    near = nearest(fit.decoder, features)
    return {
        "mcc": mcc(fit.decoder, features),
        "cosine": float(np.abs(near.cosines).mean()),
        "f1": float(detection(fit.codes, active, near).f1.mean()),
    }


def table(fits: dict[Cell, list[Numbers]]) -> Iterator[str]:
    """Yield the table's lines, the largest MCC first."""
    yield "| | rate | MCC (least) | cosine | F1 | FVU | L0 | dead | s |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for cell, results in sorted(fits.items(), key=lambda pair: -np.mean([r["mcc"] for r in pair[1]])):
        least = min(result["mcc"] for result in results)
        cells = [f"{mean(results, 'mcc', 3)} ({least:.3f})", *(mean(results, name, 3) for name in ("cosine", "f1"))]
        cells += [mean(results, "fvu", 4), f"{np.mean([r['l0'] for r in results]):.2f}"]
        cells += [f"{np.mean([r['dead'] for r in results]):.1%}", f"{np.mean([r['seconds'] for r in results]):.0f}"]
        yield f"| {cell.name} | {cell.rate:g} | {' | '.join(cells)} |"


def main() -> None:
    """Run the comparison on the generator's rows; write them first if they do not exist."""
    args = options(
        __doc__, "runs/hierarchy", "1e-3,3e-3,1e-2,3e-2", steps=800, batch=1024, latents=256, k=8, seeds=3
    ).parse_args()
    rows = args.cache / "hierarchy.npz"
    if not rows.exists():
        args.cache.mkdir(parents=True, exist_ok=True)
        called(args.peers, str(TRAIN.with_name("hierarchy_rows.py")), str(rows))
    compete(Board(CONTESTANTS, {"hierarchy": rows}, args.peers, args.cache, judged), args, table)


if __name__ == "__main__":
    main()
