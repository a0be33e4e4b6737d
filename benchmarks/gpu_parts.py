"""Measure the parts of a TopK step on a GPU, and the same parts in other sizes, in milliseconds.

python benchmarks/gpu_parts.py [--inputs 4096] [--latents 131072] [--k 64] [--batch 8192] [--rows 2048] [--device cuda]

A chunk has `rows` rows; a batch has batch / rows chunks. Numbers are medians of seven calls, after two that are not
counted. "stream" is rows/s of whole steps, without waiting for each: with rows that are on the GPU, and, as if there
were no room for them, with rows loaded by a thread and by the step itself. `--device cpu` needs TRITON_INTERPRET=1
and small sizes.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import triton
from speed_topk import PLAIN, mixtures, ours

from taciturn.data import device_rows
from taciturn.kernels import BFloat16Factors, TorchTables, tables_triton
from taciturn.kernels.index import csr
from taciturn.kernels.select import top_k
from taciturn.training.solvers import Adam

TILES = [(8, 256, 4), (4, 256, 2), (4, 128, 1), (2, 256, 2), (4, 512, 4), (4, 1024, 4), (16, 256, 4), (1, 4096, 8)]


def milliseconds(a: argparse.Namespace, part: Callable[[], Any]) -> str:
    """Return the median time of a part as text."""
    times = []
    for _ in range(9):
        start = time.perf_counter()
        part()
        if a.gpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return f"{1000 * statistics.median(times[2:]):.2f}"


def products(a: argparse.Namespace) -> None:
    """Print the times of a chunk's encoder product and of the selection from it."""
    W, b, x = weights(a), torch.zeros(a.latents, device=a.device), torch.randn(a.rows, a.inputs, device=a.device)
    out = torch.empty(a.rows, a.latents, device=a.device)
    print("float32, and bias", milliseconds(a, lambda: torch.addmm(b, x, W.t(), out=out)))
    if a.gpu:
        rounded = BFloat16Factors(W, b)
        print("weights rounded", milliseconds(a, lambda: BFloat16Factors(W, b)))
        print("bfloat16 factors, and bias", milliseconds(a, lambda: rounded.pre(x, out)))
        scores = out.topk(4 * a.k).values
        near = (scores >= scores[:, a.k - 1 : a.k] - 6 * rounded.error_std(x)).sum(1)
        print(f"candidates scored again per row: {near.float().mean().item():.1f}, {near.max().item()} at most")
    print("bias alone", milliseconds(a, lambda: out.add_(b)))
    print("torch.topk", milliseconds(a, lambda: out.topk(a.k, sorted=False)))
    for group in (8, 16, 32, 64):
        print(f"top_k, groups of {group}", milliseconds(a, lambda group=group: top_k(out, 2 * a.k, (group,))))


def tables(a: argparse.Namespace) -> None:
    """Print the times of a batch's sums by row and by latent, and of its products."""
    W, x = weights(a), torch.randn(a.batch, a.inputs, device=a.device)
    latents = torch.randint(a.latents, (a.batch * a.k,), device=a.device)
    index = csr(latents, torch.full((a.batch,), a.k, device=a.device), a.latents)
    values = torch.rand(len(latents), device=a.device)
    print("sorted by latent", milliseconds(a, lambda: latents.sort(stable=True)))
    order, starts = index.by_latent
    rows, sorted_values = index.rows[order], values[order]
    by_row, by_latent, dots = torch.empty_like(x), torch.empty_like(W), torch.empty_like(values)
    plain = TorchTables()
    print(
        "torch: sums by row, by latent, products",
        milliseconds(a, lambda: plain.sums(W, latents, index.starts, values)),
        milliseconds(a, lambda: plain.sums(x, rows, starts, sorted_values)),
        milliseconds(a, lambda: plain.dots(x, index, W)),
    )
    for entries, columns, warps in TILES:
        size = a.inputs, entries, columns
        across = triton.cdiv(a.inputs, columns)
        of_rows, of_latents = tables_triton._sums[a.batch, across], tables_triton._sums[a.latents, across]
        of_entries = tables_triton._dots[(triton.cdiv(len(latents), entries),)]
        n, w = len(latents), {"num_warps": warps}

        def sum_rows(f=of_rows, size=size, w=w):
            f(W, latents, index.starts, values, by_row, *size, **w)

        def sum_latents(f=of_latents, size=size, w=w):
            f(x, rows, starts, sorted_values, by_latent, *size, **w)

        def multiply(f=of_entries, size=size, w=w, n=n):
            f(x, index.rows, W, latents, dots, n, *size, **w)

        times = [milliseconds(a, part) for part in (sum_rows, sum_latents, multiply)]
        print(f"{entries} x {columns}, {warps} warps: sums by row, by latent, products", *times)


def adam(a: argparse.Namespace) -> None:
    """Print the time of Adam for both weight matrices."""
    both = [torch.zeros(a.latents, a.inputs, device=a.device) for _ in range(2)]
    optimiser = Adam().build([{"params": both}], 1e-3)
    for parameter in both:
        parameter.grad = torch.ones_like(parameter)
    print("Adam", milliseconds(a, optimiser.step))


def stream(a: argparse.Namespace, name: str) -> None:
    """Print the rate of whole steps without waiting for each."""
    step = ours(sparsity=f"topk:{a.k}", device=a.device, precision="bf16", **PLAIN)(a, mixtures(8, a.batch, a.inputs))
    for count in (3, 8):
        start = time.perf_counter()
        for _ in range(count):
            step()
        if a.gpu:
            torch.cuda.synchronize()
    print(f"stream, {name}: {8 * a.batch / (time.perf_counter() - start):,.0f} rows/s")


def weights(a: argparse.Namespace) -> torch.Tensor:
    """Return rows of norm 1."""
    return torch.nn.functional.normalize(torch.randn(a.latents, a.inputs, device=a.device))


def main() -> None:
    """Print the times of all parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, size in (("inputs", 4096), ("latents", 131072), ("k", 64), ("batch", 8192), ("rows", 2048)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--device", default="cuda")
    a = parser.parse_args()
    a.gpu = torch.device(a.device).type == "cuda"
    print(torch.cuda.get_device_name(a.device) if a.gpu else "cpu", "torch", torch.__version__)
    for part in (products, tables, adam):
        part(a)
        torch.cuda.empty_cache()
    stream(a, "rows on the device")
    device_rows.row_capacity = lambda device: 0
    stream(a, "rows loaded by a thread")
    device_rows.prefetched = lambda load, places: map(load, places)
    stream(a, "rows loaded by the step")


if __name__ == "__main__":
    main()
