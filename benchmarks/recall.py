"""Count the entries that float32 selects and precision="int8" or "bf16" misses, on trained dictionaries.

python benchmarks/recall.py [--mnist FILE.npz] [--latents 4096] [--k 32] [--epochs 4] [--out TABLE.md]

A TopK dictionary is trained in each precision, with the same other settings, on rows of known features (100,000 of
128 inputs), on mixtures in 512 dimensions, and on MNIST. "kept": the float32 model encodes 10,000 held-out rows in
float32 and in the other precision; the share of the float32 entries (row, latent) that the other precision selects
too. FVU: of the model trained in that precision, on the held-out rows.
"""

import argparse
import os
from collections.abc import Iterator

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
import torch
from denoising import mnist as images
from race import publish
from speed_topk import mixtures

from taciturn import DictionaryAutoencoder, datasets
from taciturn.model import Sparse
from taciturn.training.step import plan

HELD = 10_000
Rows = tuple[np.ndarray, np.ndarray]


def sets(mnist: str | None) -> Iterator[tuple[str, Rows]]:
    """Yield each data set's name with its training and held-out rows."""
    settings = {
        "n_features": 1024,
        "n_inputs": 128,
        "active": 32,
        "noise": 0.02,
        "magnitude_std": 0.3,
        "random_state": 0,
    }
    known = datasets.known_dictionary(100_000 + HELD, **settings).rows.astype(np.float32)
    yield "known", (known[:-HELD], known[-HELD:])
    mixed = torch.cat(mixtures(10, 4096, 512)).numpy()
    yield "mixtures", (mixed[:-HELD], mixed[-HELD:])
    if mnist:
        train, _, test, _ = images(mnist)
        yield "MNIST", (train, test)


def entries(model: DictionaryAutoencoder, precision: str, rows: np.ndarray) -> set[int]:
    """Return the entries of a model's codes of rows, selected in a precision, as row · n_latents + latent."""
    module = model.module_
    before = module.kernels
    module.kernels = plan.kernels(module.layout, precision)
    with torch.no_grad():
        codes = module.encode(torch.from_numpy(rows))
    module.kernels = before
    assert isinstance(codes, Sparse)
    return set((codes.index.rows * codes.n_latents + codes.index.latents).tolist())


def main() -> None:
    """Train, compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist")
    for name, value in (("latents", 4096), ("k", 32), ("epochs", 4)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--out")
    a = parser.parse_args()
    lines, results = ["| data | precision | kept | FVU |", "|---|---|---|---|"], []
    for data, (train, held_out) in sets(a.mnist):
        models = {}
        for precision in plan.PRECISIONS:
            settings = {"k": a.k, "max_iter": a.epochs, "batch_size": 1024, "scaling": "none", "random_state": 0}
            models[precision] = DictionaryAutoencoder(a.latents, precision=precision, **settings).fit(train)
        exact = entries(models["fp32"], "fp32", held_out)
        for precision, model in models.items():
            kept = len(exact & entries(models["fp32"], precision, held_out)) / len(exact)
            results.append({"data": data, "precision": precision, "kept": kept, "fvu": 1 - model.score(held_out)})
            lines.append(f"| {data} | {precision} | {kept:.6f} | {results[-1]['fvu']:.5f} |")
            print(lines[-1], flush=True)
    publish(f"{a.latents:,} latents, k {a.k}, {a.epochs} epochs", lines, results, a.out)


if __name__ == "__main__":
    main()
