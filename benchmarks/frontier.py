"""Who reconstructs best at the same L0: ours and other toolkits' on the same rows.

python benchmarks/frontier.py --peers PYTHON [--data known,mnist] [--mnist FILE.npz] [--seeds N] [--steps N] [--batch N]
       [--latents N] [--k N] [--rates 3e-4,1e-3,3e-3] [--only NAMES] [--cache FOLDER] [--out TABLE.md]

PYTHON is what benchmarks/peers/setup.sh names; benchmarks/peers/train.py says how each peer is driven. All see the same
rows, as often, in batches of the same size; steps are rounded to whole epochs. Each has its best rate of those asked
for, chosen on seed 0 by the FVU on held rows among those that say at most 1.1 k latents a row, and, for sparsify's sign
descent, its own default besides. FVU = Σ‖x - x̂‖² / Σ‖x - mean‖² on the held rows, as each model is used after training;
± is the standard error over seeds, which draw weights and batches. Dead: latents that no training row wakes in the end.

Peers meet as they come and, "10,000", with their auxiliary loss for latents silent for as many rows, as ours is: in so
short a run their own waits, up to 10,000,000 rows, are long or endless.

known: 100,000 rows of 128 inputs, sums of 32 of 1,024 features, noise 0.02; 10,000 more are held. mnist: pixels in
[0, 1]; the test images are held. "plain": no revival and a constant rate. Ours with a threshold (batch_topk, jumprelu)
learn from 5,000 rows fewer, on which it is set. Every fit is kept in FOLDER, and an interrupted run goes on.
"""

from collections.abc import Iterator
from pathlib import Path

from contest import Board, Cell, Contestant, Numbers, compete, mean, mine, options

import numpy as np  # isort: skip  # after contest, which sets the threads
from taciturn import datasets  # isort: skip

KNOWN = {"n_features": 1024, "n_inputs": 128, "active": 32, "noise": 0.02, "magnitude_std": 0.3}
ROWS, HELD = 100_000, 10_000
AFTER = 10_000  # rows of silence, after which ours takes a latent for dead
PEERS = (
    "saelens-topk",
    "saelens-batchtopk",
    "saelens-matryoshka",
    "saelens-jumprelu",
    "sparsify-topk",
    "dl-topk",
    "dl-batchtopk",
    "dl-matryoshka",
    "dl-jumprelu",
)
CONTESTANTS: dict[str, Contestant] = {
    **{name: mine(name) for name in ("topk", "batch_topk", "jumprelu")},
    **{f"{name}, plain": mine(name, "{rate}", revive=None) for name in ("topk", "batch_topk", "jumprelu")},
    **{name: {"peer": name} for name in PEERS},
    **{f"{name}, {AFTER:,}": {"peer": name, "dead-after": AFTER} for name in PEERS if "jumprelu" not in name},
}


def written(data: str, folder: Path, mnist: str | None) -> Path:
    """Return the file of a data set's rows, written if it is not there."""
    file = folder / f"{data}.npz"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        train, held = known() if data == "known" else images(mnist)
        np.savez(file, train=train, held=held)
    return file


def known() -> tuple[np.ndarray, np.ndarray]:
    """Return rows whose features are known, learnt from and held."""
    train, held = (datasets.known_dictionary(n, **KNOWN, start=start) for n, start in ((ROWS, 0), (HELD, ROWS)))
    return train.rows, held.rows


def images(path: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return MNIST's training and test images, pixels in [0, 1]."""
    if path is None:
        raise SystemExit("mnist: name its file by --mnist, or leave it out of --data")
    with np.load(path) as file:
        train, held = (file[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test"))
    return train, held


def table(found: dict[Cell, list[Numbers]]) -> Iterator[str]:
    """Yield the lines: on each data set, the best first."""
    yield "| data | | rate | FVU | L0 | dead | s |"
    yield "|---|---|---|---|---|---|---|"
    for cell, results in sorted(found.items(), key=lambda pair: (pair[0].data, np.mean([r["fvu"] for r in pair[1]]))):
        said = (mean(results, "fvu", 4), mean(results, "l0", 1), f"{np.mean([r['dead'] for r in results]):.1%}")
        seconds = np.mean([result["seconds"] for result in results])
        yield f"| {cell.data} | {cell.name} | {cell.rate:g} | {' | '.join(said)} | {seconds:.0f} |"


def main() -> None:
    """Compete on each data set."""
    parser = options(__doc__, "runs/frontier", "3e-4,1e-3,3e-3", seeds=5, steps=4000, batch=256, latents=512, k=32)
    parser.add_argument("--data", default="known,mnist")
    parser.add_argument("--mnist")
    asked = parser.parse_args()
    rows = {data: written(data, asked.cache, asked.mnist) for data in asked.data.split(",")}
    compete(Board(CONTESTANTS, rows, asked.peers, asked.cache), asked, table)


if __name__ == "__main__":
    main()
