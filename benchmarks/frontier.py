"""Compare reconstruction errors at the same L0, on the same rows: taciturn beside other libraries.

python benchmarks/frontier.py --peers PYTHON [--data known,mnist,file] [--mnist FILE.npz] [--file ROWS.npy] [--seeds N]
       [--steps N] [--batch N] [--latents N] [--k N] [--rates 3e-4,1e-3,3e-3] [--only NAMES] [--cache FOLDER]
       [--out TABLE.md]

PYTHON is the path that benchmarks/peers/setup.sh prints; benchmarks/peers/train.py describes how each peer is
trained. All models are trained on the same rows, equally often, in batches of the same size; steps are rounded to
whole epochs. Each has the best of the learning rates, chosen on seed 0 by the FVU on held-out rows, among those with
an L0 of at most 1.1 k. sparsify's sign descent also has its own default rate. FVU = Σ‖x - x̂‖² / Σ‖x - mean‖² on the
held-out rows, with the trained model. ± is the standard error over seeds, which draw weights and batches. Dead:
latents that are active on no training row after training.

Peers run with their defaults. Names with "10,000" are peers whose auxiliary loss acts on latents inactive for 10,000
rows, as in taciturn: the peers' default waits, up to 10,000,000 rows, cover much or all of such a short run.

known: 100,000 rows of 128 inputs, sums of 32 of 1,024 features, noise 0.02; 10,000 more rows are held out. mnist:
pixels in [0, 1]; the test images are held out. file: rows of a file, such as embeddings; a tenth is held out. "plain":
no revival and a constant learning rate. taciturn's models with a threshold (batch_topk, jumprelu) are trained on 5,000
rows fewer, of few rows on a tenth fewer; the threshold is calibrated on these. Every fit is cached in FOLDER, so an
interrupted run continues.
"""

from collections.abc import Iterator
from pathlib import Path

from contest import Board, Cell, Contestant, Numbers, compete, mean, mine, options

import numpy as np  # isort: skip  # after contest, which sets the threads
from taciturn import datasets  # isort: skip

KNOWN = {"n_features": 1024, "n_inputs": 128, "active": 32, "noise": 0.02, "magnitude_std": 0.3}
ROWS, HELD = 100_000, 10_000
AFTER = 10_000  # rows without activity after which taciturn counts a latent as dead
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


def written(data: str, folder: Path, mnist: str | None, path: str | None = None) -> Path:
    """Return the file of a data set's rows; write it first if it does not exist."""
    file = folder / f"{data}.npz"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        train, held_out = known() if data == "known" else of_file(path) if data == "file" else images(mnist)
        np.savez(file, train=train, held=held_out)
    return file


def known() -> tuple[np.ndarray, np.ndarray]:
    """Return training and held-out rows with known features."""
    train, held_out = (datasets.known_dictionary(n, **KNOWN, start=start) for n, start in ((ROWS, 0), (HELD, ROWS)))
    return train.rows, held_out.rows


def images(path: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return MNIST's training and test images, pixels in [0, 1]."""
    if path is None:
        raise SystemExit("--data mnist needs its file; give it (--mnist FILE) or drop mnist from --data")
    with np.load(path) as file:
        train, held_out = (file[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test"))
    return train, held_out


def of_file(path: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return a file's rows in an order drawn at random, the last tenth apart."""
    if path is None:
        raise SystemExit("--data file needs rows; give them (--file ROWS.npy) or drop file from --data")
    X = np.load(path).astype(np.float32)
    X = X[np.random.default_rng(0).permutation(len(X))]
    return X[: len(X) * 9 // 10], X[len(X) * 9 // 10 :]


def table(fits: dict[Cell, list[Numbers]]) -> Iterator[str]:
    """Yield the table's lines: on each data set, the least FVU first."""
    yield "| data | | rate | FVU | L0 | dead | s |"
    yield "|---|---|---|---|---|---|---|"
    for cell, results in sorted(fits.items(), key=lambda pair: (pair[0].data, np.mean([r["fvu"] for r in pair[1]]))):
        cells = (mean(results, "fvu", 4), mean(results, "l0", 1), f"{np.mean([r['dead'] for r in results]):.1%}")
        seconds = np.mean([result["seconds"] for result in results])
        yield f"| {cell.data} | {cell.name} | {cell.rate:g} | {' | '.join(cells)} | {seconds:.0f} |"


def main() -> None:
    """Run the comparison on each data set."""
    parser = options(__doc__, "runs/frontier", "3e-4,1e-3,3e-3", seeds=5, steps=4000, batch=256, latents=512, k=32)
    parser.add_argument("--data", default="known,mnist")
    parser.add_argument("--mnist")
    parser.add_argument("--file")
    args = parser.parse_args()
    rows = {data: written(data, args.cache, args.mnist, args.file) for data in args.data.split(",")}
    compete(Board(CONTESTANTS, rows, args.peers, args.cache), args, table)


if __name__ == "__main__":
    main()
