"""Measure the time and memory of encoding a million rows to sparse codes on disk.

python benchmarks/encode.py [--rows 1000000] [--inputs 64] [--latents 16384] [--k 32] [--out TABLE.md]

Random rows in an .npy file, read one block at a time; a TopK model with its initial weights; codes as SciPy CSR in an
.npz; all in a temporary folder. Two threads. Memory is the peak of this process, PyTorch's own share included. The
mapped part of the .npy counts too, although the system can drop it at any time.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
import torch
from denoising import publish
from scipy import sparse

from taciturn import inference
from taciturn.data.sources import open_path, write_sparse
from taciturn.model import Autoencoder, Layout
from taciturn.model.coding_layers import TopK
from taciturn.training.step import plan

BLOCK = 10_000


def megabytes() -> float:
    """Return this process's peak memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Write rows, encode them, and print time and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("rows", 1_000_000), ("inputs", 64), ("latents", 16_384), ("k", 32)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--out")
    args = parser.parse_args()
    layout = Layout((args.inputs, args.latents), TopK(args.k), centred=True)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0), kernels=plan.kernels(layout))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = np.lib.format.open_memmap(folder / "rows.npy", "w+", np.float32, (args.rows, args.inputs))
        rng = np.random.default_rng(0)
        for start in range(0, args.rows, BLOCK):
            block = rows[start : start + BLOCK]
            block[:] = rng.standard_normal(block.shape, np.float32)
        del rows
        before, start_time = megabytes(), time.perf_counter()
        blocks = map(inference.to_csr, inference.encode(model, open_path(folder / "rows.npy")))
        write_sparse(folder / "codes.npz", blocks, n_rows=args.rows, n_columns=args.latents)
        seconds, after = time.perf_counter() - start_time, megabytes()
        size = (folder / "codes.npz").stat().st_size / 1e6
        codes = sparse.load_npz(folder / "codes.npz")
    dense = 4e-6 * args.rows * args.latents
    line = f"{codes.nnz:,} codes, {size:,.0f} MB on disk, in {seconds:.0f} s; memory at most {after:,.0f} MB, "
    line += f"of which {before:,.0f} before (dense: {dense:,.0f} MB)"
    publish(f"{args.rows:,} rows of {args.inputs}, {args.latents:,} latents, k = {args.k}", [line], args.out)


if __name__ == "__main__":
    main()
