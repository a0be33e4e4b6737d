"""Measure a TopK dictionary's training step on a GPU: rows/s, share of the bfloat16 peak, peak memory.

python benchmarks/gpu.py [--peers PYTHON] [--only NAMES] [--inputs 4096] [--latents 131072] [--k 64] [--batch 8192]
       [--rounds 3] [--seconds 5] [--device cuda] [--peak FLOPS] [--out TABLE.md]

PYTHON is the path that `benchmarks/peers/setup.sh DIR` prints; for CUDA it needs torch for CUDA, which includes the
triton that sparsify's decoder uses. Share of the peak: rows/s · 2 · inputs · latents / FLOPS. It counts the
operations of the encoder's product, which every exact step needs. FLOPS is the dense bfloat16 rate of the maker's
data sheet, known here for some names, else --peak. A dense step computes six such products; one is counted.

taciturn         all that `fit` does for a batch, with TopK and the squared error; the rows are on the GPU, as in fit if
                 there is room. float32 as torch multiplies it; "+tf32": torch may round the products' factors to 10
                 binary digits, a setting of the user; "bf16": precision="bf16"; "defaults": DictionaryAutoencoder's
                 defaults, with AuxK, unit norm and 2 k active latents per row that fall to k
sparsify         SparseCoder forward and backward (its own bfloat16 autocast), fused Adam
dense            PyTorch as usually written: bfloat16 autocast, topk, scatter, a dense product, fused Adam
the product      the encoder's product alone, in bfloat16: the share of the peak that the GPU reaches

The memory has room for one contestant, so they run one after another. No other program may use the GPU. Each is
warmed up and measured in rounds; each step waits for the GPU. `--device cpu` runs the same on a CPU, at a small size.
"""

import argparse
import os
import sys
from typing import Any

from race import THREADS, publish, race, resident, serve
from speed_topk import PLAIN, RATE, Step, mixtures, ours

PEAKS = {"H100 PCIe": 756e12, "H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bfloat16


def sparsify(a: argparse.Namespace, batches: list[Any]) -> Step:
    """Return a step of SparseCoder and Adam."""
    import torch
    from sparsify import SparseCoder, SparseCoderConfig

    coder = SparseCoder(a.inputs, SparseCoderConfig(num_latents=a.latents, k=a.k), device=a.device)
    adam, feed = torch.optim.Adam(coder.parameters(), lr=RATE, fused=True), turns(a, batches)

    def step() -> None:
        coder(next(feed)).fvu.backward()
        adam.step()
        adam.zero_grad()

    return step


def dense(a: argparse.Namespace, batches: list[Any]) -> Step:
    """Return a step of autocast, topk, scatter, a dense product, autograd, Adam."""
    import torch

    W = torch.nn.functional.normalize(torch.randn(a.latents, a.inputs, device=a.device))
    weights = W, torch.zeros(a.latents, device=a.device), W.clone(), torch.zeros(a.inputs, device=a.device)
    W, b, V, c = (tensor.requires_grad_() for tensor in weights)
    adam, feed = torch.optim.Adam([W, b, V, c], lr=RATE, fused=True), turns(a, batches)

    def step() -> None:
        x = next(feed)
        with torch.autocast(torch.device(a.device).type, torch.bfloat16):
            pre = torch.nn.functional.linear(x - c, W, b)
            top = pre.topk(a.k, sorted=False)
            codes = torch.zeros_like(pre).scatter_(1, top.indices, top.values.relu())
            recon = codes @ V + c
        adam.zero_grad()
        (recon.float() - x).square().sum(1).mean().backward()
        adam.step()

    return step


def product(a: argparse.Namespace, batches: list[Any]) -> Step:
    """Return a step of the encoder's product alone."""
    import torch

    W = torch.randn(a.latents, a.inputs, device=a.device, dtype=torch.bfloat16)
    feed = turns(a, [batch.bfloat16() for batch in batches])
    return lambda: next(feed) @ W.t()


def turns(a: argparse.Namespace, batches: list[Any]) -> Any:
    """Return an endless iterator over the batches, on the device."""
    import itertools

    return itertools.cycle([batch.to(a.device) for batch in batches])


PICKED = {"precision": "bf16", **PLAIN}
OURS: dict[str, dict[str, Any]] = {
    "taciturn": PLAIN,
    "taciturn+tf32": PLAIN,
    "taciturn bf16": PICKED,
    "taciturn bf16, defaults": {"precision": "bf16", "sparsity": "topk"},
    "taciturn bf16, BatchTopK": PICKED | {"sparsity": "batch_topk"},
    "taciturn bf16, JumpReLU": PICKED | {"sparsity": "jumprelu"},
}
OTHERS = {"sparsify": sparsify, "dense": dense, "the product": product}


def work(name: str, a: argparse.Namespace) -> None:
    """Run as the worker process of one contestant."""
    import torch

    gpu = torch.device(a.device).type == "cuda"

    def make() -> Step:
        torch.manual_seed(0)
        if name.endswith("+tf32"):
            torch.set_float32_matmul_precision("high")
        batches = mixtures(4, a.batch, a.inputs)
        if name in OTHERS:
            step = OTHERS[name](a, batches)
        else:
            step = ours(**{"sparsity": f"topk:{a.k}", "device": a.device} | OURS[name])(a, batches)
        if not gpu:
            return step
        torch.cuda.reset_peak_memory_stats()  # of steps, without set-up

        def finished() -> None:
            step()
            torch.cuda.synchronize()

        return finished

    serve(make, memory=(lambda: torch.cuda.max_memory_allocated() / 2**20) if gpu else resident)


def measured(a: argparse.Namespace, names: list[str]) -> list[dict[str, Any]]:
    """Return each contestant's median rate, its slowest and fastest round, its peak memory."""
    options = [f"--{name}={getattr(a, name)}" for name in ("inputs", "latents", "k", "batch", "device")]
    threads = THREADS if a.device == "cpu" else min(os.cpu_count() or 1, 16)
    results = []
    for name in names:
        contestant = [(name, a.peers if name == "sparsify" else sys.executable)]
        settings = {"rounds": a.rounds, "seconds": a.seconds, "options": options, "threads": threads}
        results += race(__file__, contestant, a.batch, **settings)
        print(results[-1], file=sys.stderr, flush=True)
    return results


def lines(a: argparse.Namespace, results: list[dict[str, Any]], peak: float | None) -> list[str]:
    """Return the table's lines."""
    table = ["| | rows/s | slowest … fastest round | of the peak | peak GB |", "|---|---|---|---|---|"]
    for r in results:
        if "failed" in r:
            table.append(f"| {r['name']} | failed: {r['failed']} | | | |")
            continue
        share = f"{r['rate'] * 2 * a.inputs * a.latents / peak:.1%}" if peak else "unknown"
        spread = f"{r['low']:,.0f} … {r['high']:,.0f}"
        table.append(f"| {r['name']} | {r['rate']:,.0f} | {spread} | {share} | {r['mb'] / 1024:.1f} |")
    return table


def main() -> None:
    """Measure all contestants and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers")
    parser.add_argument("--only", help="contestants to run, joined by /")
    for name, size in (("inputs", 4096), ("latents", 131072), ("k", 64), ("batch", 8192), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--peak", type=float, help="the GPU's bfloat16 operations per second")
    parser.add_argument("--out")
    parser.add_argument("--worker")
    a = parser.parse_args()
    if a.worker:
        work(a.worker, a)
        return
    import torch

    gpu = torch.device(a.device).type == "cuda"
    if gpu and not torch.cuda.is_available():
        sys.exit("no CUDA device found; run on a CPU at a small size (--device cpu --inputs 64 --latents 512)")
    device = torch.cuda.get_device_name(a.device) if gpu else a.device
    peak = a.peak or next((peak for name, peak in PEAKS.items() if name in device), None)
    names = [name for name in [*OURS, *OTHERS] if a.peers or name != "sparsify"]
    results = measured(a, a.only.split("/") if a.only else names)
    sizes = f"{a.inputs} inputs, {a.latents} latents, k {a.k}, batch {a.batch}; {a.rounds} rounds of {a.seconds:g} s"
    peak_rate = f", {peak / 1e12:g} TFLOP/s" if peak else ""
    publish(f"{device}{peak_rate}, torch {torch.__version__}; {sizes}", lines(a, results, peak), results, a.out)


if __name__ == "__main__":
    main()
