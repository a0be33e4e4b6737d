"""The largest entries and the positions of a mask, against NumPy's sort and nonzero; which library multiplies."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from taciturn.kernels import Above, Chunked, Top, fast_products
from taciturn.kernels.products import prefers_onednn
from taciturn.kernels.select import positions, top_k

WIDTHS = [16, 24, 32, 40, 64, 61, 8, 1]  # some are divided into groups of eight, some are not


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.data())
def test_top_k_finds_the_k_largest_if_entries_are_equal_too(data):
    n_latents = data.draw(st.sampled_from(WIDTHS))
    k, n_rows = data.draw(st.integers(1, min(n_latents, 5))), data.draw(st.integers(0, 4))
    few_values = data.draw(st.booleans())  # so that many entries are equal
    numbers = st.integers(-2, 2) if few_values else st.integers(-(2**20), 2**20)
    block = data.draw(arrays(np.float32, (n_rows, n_latents), elements=numbers))
    values, latents = top_k(torch.from_numpy(block), k, data.draw(st.sampled_from([(), (4, 2)])))
    assert_array_equal(np.sort(values.numpy(), 1), np.sort(block, 1)[:, n_latents - k :])
    assert_array_equal(np.take_along_axis(block, latents.numpy(), 1), values)
    assert all(len(set(row)) == k for row in latents.tolist())


@pytest.mark.parametrize("n_latents", [64, 8])
def test_top_k_keeps_nan_and_infinity(n_latents):
    block = torch.linspace(-1, 1, 3 * n_latents).view(3, n_latents)
    block[0, 3], block[1, 5], block[2] = np.nan, np.inf, -np.inf
    values, latents = top_k(block, 2)
    assert latents[0][values[0].isnan()].tolist() == [3]
    assert latents[1][values[1].isinf()].tolist() == [5]
    assert_array_equal(values[2], [-np.inf, -np.inf])


@settings(deadline=None, derandomize=True, max_examples=200)
@given(arrays(np.bool_, st.tuples(st.integers(0, 5), st.integers(1, 24))))
def test_positions_are_those_that_numpy_finds(mask):
    assert_array_equal(positions(torch.from_numpy(mask)), np.flatnonzero(mask))


@pytest.mark.parametrize("rule", [Top(3), Top(3, signed=True), Above(torch.tensor(25.0))])
def test_very_many_latents_are_taken_a_few_rows_at_a_time(rule):
    rng = np.random.default_rng(0)
    x, W, b = rng.integers(-3, 4, (150, 5)), rng.integers(-3, 4, (400, 5)), rng.integers(-3, 4, 400)
    tensors = [torch.tensor(array, dtype=torch.float32) for array in (x, W, b)]
    blocks = []

    def counted(pre):
        blocks.append(len(pre))
        return rule(pre)

    index, values = Chunked(entries=40_000).pick(*tensors, None, counted)  # 100 rows of 400
    assert blocks == [100, 50]
    pre = x @ W.T + b
    assert_array_equal(values, pre[index.rows, index.latents])
    if isinstance(rule, Above):
        assert_array_equal(index.rows, np.nonzero(pre > 25)[0])
        assert_array_equal(index.latents, np.nonzero(pre > 25)[1])
    else:
        size = np.abs(pre) if rule.signed else pre
        selected = np.abs(values.numpy()) if rule.signed else values.numpy()
        assert_array_equal(np.sort(selected), np.sort(np.sort(size)[:, -3:].flatten()))


def test_fast_products_are_as_exact_as_float32_and_restore_the_setting():
    rng = torch.Generator().manual_seed(0)
    a, b = torch.randn(300, 400, generator=rng), torch.randn(400, 500, generator=rng)
    with fast_products(10**9):
        error = (a @ b).double() - a.double() @ b.double()
    assert error.norm() <= 1e-6 * (a.double() @ b.double()).norm()
    assert torch.backends.mkldnn.matmul.fp32_precision == "none"
    with pytest.raises(ZeroDivisionError), fast_products(10**9):
        raise ZeroDivisionError
    assert torch.backends.mkldnn.matmul.fp32_precision == "none"


@pytest.mark.parametrize(
    ("cpuinfo", "fast"),
    [
        ("vendor_id\t: AuthenticAMD\nflags\t\t: avx2 avx512f avx512_bf16", True),
        ("vendor_id\t: AuthenticAMD\nflags\t\t: avx2", False),
        ("vendor_id\t: AuthenticAMD\nflags\t\t: avx2 avx512f amx_bf16 amx_tile", False),
        ("vendor_id\t: GenuineIntel\nflags\t\t: avx2 avx512f", False),
    ],
)
def test_which_processors_multiply_faster_by_onednn(cpuinfo, fast):
    assert prefers_onednn(cpuinfo) is fast
