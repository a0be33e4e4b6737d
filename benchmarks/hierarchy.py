"""Features under features: who finds them among rows of SAELens's own generator.

python benchmarks/hierarchy.py --peers PYTHON [--steps 800] [--batch 1024] [--latents 256] [--k 8] [--seeds 3]
       [--rates 1e-3,3e-3,1e-2,3e-2] [--only NAMES] [--cache FOLDER] [--out TABLE.md]

PYTHON is what benchmarks/peers/setup.sh names; peers/hierarchy_rows.py says what the rows are like (98,304 of 128
inputs, made of 1,024 features in trees, of which a model of 256 latents can find a quarter), peers/train.py how each
peer is driven. All see the same rows, as often; steps are rounded to whole epochs. Each has its best rate of those
asked for, chosen on seed 0 by the FVU on held rows among those that say at most 1.1 k latents a row. On 40,960 held
rows, means over seeds ± standard errors ("10,000": with SAELens's auxiliary loss for latents silent for as many rows,
as ours is; its own waits 1,000 steps):

MCC (least)    mean |cosine| of latents matched one to one with features, as SAELens computes it
cosine         mean |cosine| of each latent with its nearest feature
F1             mean over latents, each as a detector of its nearest feature, SAELens's f1_score
dead           latents that no training row wakes in the end
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
    """Return how well the true features were found."""
    with np.load(rows) as file:
        features, active = file["features"], file["active"]
    near = nearest(fit.decoder, features)
    return {
        "mcc": mcc(fit.decoder, features),
        "cosine": float(np.abs(near.cosines).mean()),
        "f1": float(detection(fit.codes, active, near).f1.mean()),
    }


def table(found: dict[Cell, list[Numbers]]) -> Iterator[str]:
    """Yield the lines: the largest MCC first."""
    yield "| | rate | MCC (least) | cosine | F1 | FVU | L0 | dead | s |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for cell, results in sorted(found.items(), key=lambda pair: -np.mean([r["mcc"] for r in pair[1]])):
        least = min(result["mcc"] for result in results)
        said = [f"{mean(results, 'mcc', 3)} ({least:.3f})", *(mean(results, name, 3) for name in ("cosine", "f1"))]
        said += [mean(results, "fvu", 4), f"{np.mean([r['l0'] for r in results]):.2f}"]
        said += [f"{np.mean([r['dead'] for r in results]):.1%}", f"{np.mean([r['seconds'] for r in results]):.0f}"]
        yield f"| {cell.name} | {cell.rate:g} | {' | '.join(said)} |"


def main() -> None:
    """Compete on the generator's rows, which are written if they are not there."""
    asked = options(
        __doc__, "runs/hierarchy", "1e-3,3e-3,1e-2,3e-2", steps=800, batch=1024, latents=256, k=8, seeds=3
    ).parse_args()
    rows = asked.cache / "hierarchy.npz"
    if not rows.exists():
        asked.cache.mkdir(parents=True, exist_ok=True)
        called(asked.peers, str(TRAIN.with_name("hierarchy_rows.py")), str(rows))
    compete(Board(CONTESTANTS, {"hierarchy": rows}, asked.peers, asked.cache, judged), asked, table)


if __name__ == "__main__":
    main()
