"""What precision="int8" and "bf16" miss: the entries that float32 keeps and they do not, on trained dictionaries.

python benchmarks/recall.py [--mnist FILE.npz] [--latents 4096] [--k 32] [--epochs 4] [--out TABLE.md]

A TopK dictionary is trained in each precision, alike otherwise, on rows of a known dictionary (100,000 of 128 inputs),
on mixtures in 512 dimensions, and on MNIST. "kept": of the entries (row, latent) that the float32 model's codes of
10,000 held rows have, the share that it has too when they are looked for in the other precision. FVU: of the model
trained in that precision, on the held rows.
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
    """Yield the rows to train on and those held."""
    given = {"n_features": 1024, "n_inputs": 128, "active": 32, "noise": 0.02, "magnitude_std": 0.3, "random_state": 0}
    known = datasets.known_dictionary(100_000 + HELD, **given).rows.astype(np.float32)
    yield "known", (known[:-HELD], known[-HELD:])
    mixed = torch.cat(mixtures(10, 4096, 512)).numpy()
    yield "mixtures", (mixed[:-HELD], mixed[-HELD:])
    if mnist:
        train, _, test, _ = images(mnist)
        yield "MNIST", (train, test)


def entries(model: DictionaryAutoencoder, precision: str, held: np.ndarray) -> set[int]:
    """Return the entries that a model keeps of rows, looked for in a precision."""
    module = model.module_
    before = module.kernels
    module.kernels = plan.kernels(module.layout, precision)
    with torch.no_grad():
        codes = module.encode(torch.from_numpy(held))
    module.kernels = before
    assert isinstance(codes, Sparse)
    return set((codes.index.rows * codes.n_latents + codes.index.latents).tolist())


def main() -> None:
    """Train and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist")
    for name, value in (("latents", 4096), ("k", 32), ("epochs", 4)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--out")
    a = parser.parse_args()
    lines, found = ["| data | precision | kept | FVU |", "|---|---|---|---|"], []
    for data, (train, held) in sets(a.mnist):
        models = {}
        for precision in plan.PRECISIONS:
            given = {"k": a.k, "max_iter": a.epochs, "batch_size": 1024, "scaling": "none", "random_state": 0}
            models[precision] = DictionaryAutoencoder(a.latents, precision=precision, **given).fit(train)
        wanted = entries(models["fp32"], "fp32", held)
        for precision, model in models.items():
            kept = len(wanted & entries(models["fp32"], precision, held)) / len(wanted)
            found.append({"data": data, "precision": precision, "kept": kept, "fvu": 1 - model.score(held)})
            lines.append(f"| {data} | {precision} | {kept:.6f} | {found[-1]['fvu']:.5f} |")
            print(lines[-1], flush=True)
    publish(f"{a.latents:,} latents, k {a.k}, {a.epochs} epochs", lines, found, a.out)


if __name__ == "__main__":
    main()
