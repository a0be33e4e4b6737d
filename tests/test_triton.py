"""Triton's sums and products of table rows against NumPy's in float64; interpreted where there is no GPU."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from taciturn.kernels import Chunked, Int8, Plain, Rescored, Top, TorchTables
from taciturn.kernels.index import csr
from taciturn.training.step import plan

pytest.importorskip("triton", reason="needs triton, which comes with torch for CUDA; .ci/run installs it")
from taciturn.kernels.tables_triton import TritonTables

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
TABLES = pytest.mark.parametrize("tables", [TritonTables(), TorchTables()], ids=["triton", "torch"])
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
# the latents of each row: none, one, that of another row; latent 2 in all others; more than the entries of a tile
ROWS = [[], [2], [2, 0], [2, 5, 7], [], [2, *range(4, 21)], [2, 1, 0, 9, 8, 7, 6, 5], [20, 2], []]
ONE_ROW = [[3, 1]]
NO_ENTRIES = [[], []]


def entries(rows, width, dtype, n_latents=23, seed=0):
    """Return x, W, an index, the entries' values, and the entries' rows and latents in NumPy."""
    rng = np.random.default_rng(seed)
    x, W = rng.normal(size=(len(rows), width)), rng.normal(size=(n_latents, width))
    row_N = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    latent_N = np.array([latent for row in rows for latent in row], np.int64)
    counts = torch.tensor([len(row) for row in rows])
    index = csr(torch.from_numpy(latent_N).to(DEVICE), counts.to(DEVICE), n_latents)
    tensors = (torch.tensor(a, dtype=dtype, device=DEVICE) for a in (x, W, rng.normal(size=len(row_N))))
    return *tensors, index, row_N, latent_N


def exact(tensor):
    return tensor.detach().cpu().double().numpy()


@TABLES
@pytest.mark.parametrize("rows", [ROWS, ONE_ROW, NO_ENTRIES], ids=["rows", "one row", "no entries"])
@pytest.mark.parametrize("width", [1, 6, 64, 300])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_sums_and_dots_equal_numpys(tables, rows, width, dtype):
    x, W, values, index, row_N, latent_N = entries(rows, width, dtype)
    sums = np.zeros(x.shape)
    np.add.at(sums, row_N, exact(values)[:, None] * exact(W)[latent_N])
    result = tables.sums(W, index.latents, index.starts, values)
    assert result.dtype == dtype
    assert_allclose(exact(result), sums, atol=TOLERANCE[dtype])

    by_latent = np.zeros(W.shape)
    np.add.at(by_latent, latent_N, exact(values)[:, None] * exact(x)[row_N])
    order_N, starts = index.by_latent
    result = tables.sums(x, index.rows[order_N], starts, values[order_N])
    assert_allclose(exact(result), by_latent, atol=TOLERANCE[dtype])

    result = tables.dots(x, index, W)
    assert result.dtype == dtype
    dots = (exact(x)[row_N] * exact(W)[latent_N]).sum(1)
    assert_allclose(exact(result), dots, atol=TOLERANCE[dtype] * np.sqrt(width))


def test_a_table_that_is_not_contiguous():
    x, W, values, index, *_ = entries(ROWS, 12, torch.float64)
    apart = torch.stack([W, -W], 2)[..., 0]
    assert not apart.is_contiguous()
    assert torch.equal(
        TritonTables().sums(apart, index.latents, index.starts, values),
        TritonTables().sums(W, index.latents, index.starts, values),
    )
    assert torch.equal(TritonTables().dots(x.T.contiguous().T, index, apart), TritonTables().dots(x, index, W))


def test_one_latent_active_in_thousands_of_rows():
    rows = [[4]] * 3000
    x, _, values, index, *_ = entries(rows, 5, torch.float32)
    order_N, starts = index.by_latent
    sums = TritonTables().sums(x, index.rows[order_N], starts, values[order_N])
    assert_allclose(exact(sums)[4], exact(values) @ exact(x), rtol=1e-4)
    assert_array_equal(exact(sums)[:4], 0)


def test_nan_stays_in_its_bag():
    _, W, values, index, row_N, latent_N = entries(ROWS, 6, torch.float32)
    W[9, 3] = torch.nan
    sums = exact(TritonTables().sums(W, index.latents, index.starts, values))
    assert set(np.argwhere(np.isnan(sums))[:, 0]) == set(row_N[latent_N == 9])
    assert np.isnan(sums).sum() == (latent_N == 9).sum()


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("k", [1, 5, 23])
def test_every_gradient_is_that_of_the_dense_arrays(centre, k):
    """The same entries, scored and decoded: forward, and the gradients in x, W, b, centre and the dictionary."""
    x, W, *_ = entries(ROWS, 6, torch.float64)
    W[11] = W[12]  # equal scores
    rng = torch.Generator().manual_seed(0)
    b, c, V, up = (
        torch.randn(n, generator=rng, dtype=torch.float64).to(DEVICE) for n in ((23,), (6,), (23, 6), (6, 9))
    )
    results = []
    for kernels in (Plain(), Chunked(4, tables=TritonTables())):
        leaves = [t.clone().requires_grad_() for t in (x, W, b, *([c] if centre else []), V)]
        factors, dictionary = [*leaves[:3], leaves[3] if centre else None], leaves[-1]
        index, values = Plain().pick(*factors, Top(k))
        scores = kernels.scores(*factors, index, values)
        recon = kernels.decode(scores.relu(), index, dictionary)
        recon.backward(up.T)  # a gradient in another layout
        results.append([recon, *(t.grad for t in leaves)])
    for theirs, ours in zip(*results, strict=True):
        assert_allclose(exact(ours), exact(theirs), atol=1e-12)


def test_candidates_are_scored_by_them_too():
    rng = torch.Generator().manual_seed(0)
    x, W, b = (torch.randn(n, generator=rng).to(DEVICE) for n in ((20, 16), (64, 16), (64,)))
    _, values = Rescored(8, tables=TritonTables(), rounding=Int8).pick(x, W, b, None, Top(5))
    assert_allclose(exact(values).reshape(20, 5).min(1), np.sort(exact(x) @ exact(W).T + exact(b))[:, -5], atol=1e-5)


def test_the_same_arguments_give_the_same_bits():
    x, _, values, index, *_ = entries(ROWS, 300, torch.float32)
    order_N, starts = index.by_latent
    arguments = x, index.rows[order_N], starts, values[order_N]
    assert torch.equal(TritonTables().sums(*arguments), TritonTables().sums(*arguments))


def test_a_gpu_uses_them_and_another_device_does_not():
    from taciturn.model import Layout
    from taciturn.model.coding_layers import TopK

    layout = Layout((16, 1024), TopK(4))
    assert plan.kernels(layout, "fp32", "cuda:0").tables == TritonTables()
    assert plan.kernels(layout, "bf16", "cuda").tables == TritonTables()
    assert plan.kernels(layout, "fp32", "cuda").rows_of(torch.empty(131072, 1)) == 2048
    assert plan.kernels(layout).tables == TorchTables()


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from taciturn.kernels import tables_triton as tables

for capability, width, numbers in ((80, 256, "*fp32"), (90, 1, "*fp32"), (90, 256, "*fp32"), (90, 256, "*fp64")):
    for kernel in (tables._sums, tables._dots):
        kinds = {name: "*i64" for name in ("rows", "starts", "left_rows", "right_rows")} | {"n": "i32", "width": "i32"}
        kinds |= {"ENTRIES": "constexpr", "COLUMNS": "constexpr"}
        signature = {name: kinds.get(name, numbers) for name in kernel.arg_names}
        source = ASTSource(kernel, signature, {"ENTRIES": 8, "COLUMNS": width})
        compiled = triton.compile(source, target=GPUTarget("cuda", capability, 32))
        assert compiled.asm["cubin"]
        print("atom." in compiled.asm["ptx"] or "red.global" in compiled.asm["ptx"])
"""


def test_they_compile_for_other_gpus_without_atomics(tmp_path):
    env = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    env |= {"TRITON_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(Path(plan.__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", COMPILE], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False"] * 8
