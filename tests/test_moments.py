"""Streamed moments against NumPy's in float64."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from taciturn.data.moments import Moments

SPLITS = [[1000], [1, 999], [999, 1], [1] * 1000, [64] * 15 + [40], [0, 500, 0, 500, 0]]


def rows(offset=0.0, seed=0):
    """Columns of different scale and offset; the last but one is constant, the last nearly so."""
    rng = np.random.default_rng(seed)
    x_ND = rng.normal(size=(1000, 6)) * [1e-3, 1, 50, 1, 0, 0] + [0, -3, 7, offset, 0.1, offset]
    x_ND[0, 5] += 1
    return x_ND


def split(x_ND, sizes):
    return np.split(x_ND, np.cumsum(sizes)[:-1])


def agrees(moments, x_ND, **tolerance):
    assert moments.count == len(x_ND)
    assert_allclose(moments.mean, x_ND.mean(0), rtol=1e-14, atol=1e-12)
    assert_allclose(moments.variance, x_ND.var(0), **({"rtol": 1e-11, "atol": 1e-25} | tolerance))
    assert_array_equal(moments.low, x_ND.min(0))
    assert_array_equal(moments.high, x_ND.max(0))
    assert_array_equal(moments.constant, (x_ND == x_ND[0]).all(0))
    assert moments.norm == pytest.approx(np.sqrt((x_ND**2).sum(1)).mean(), rel=1e-13)
    if moments.with_products:
        varying = ~moments.constant
        wanted = np.eye(x_ND.shape[1])
        wanted[np.ix_(varying, varying)] = np.corrcoef(x_ND[:, varying].T)
        assert_allclose(moments.correlation, wanted, atol=1e-12)


@pytest.mark.parametrize("sizes", SPLITS, ids=lambda sizes: f"{len(sizes)} blocks")
def test_any_split_gives_numpys_numbers(sizes):
    moments = Moments(with_products=True)
    for block in split(rows(), sizes):
        assert moments.add(block) is moments
    agrees(moments, rows())


@pytest.mark.parametrize("sizes", SPLITS, ids=lambda sizes: f"{len(sizes)} blocks")
def test_far_from_zero_the_variance_keeps_its_digits(sizes):
    x_ND = rows(offset=1e8)
    moments = Moments()
    for block in split(x_ND, sizes):
        moments.add(block)
    agrees(moments, x_ND, rtol=1e-6)  # Σx² - n·mean² would keep none: 1e16 has no digits left for 1
    assert moments.variance[5] == pytest.approx(0.001 * 0.999, rel=1e-6)


@pytest.mark.parametrize("sizes", SPLITS, ids=lambda sizes: f"{len(sizes)} blocks")
def test_merging_is_adding(sizes):
    parts = [Moments(with_products=True).add(block) for block in split(rows(), sizes)]
    whole = Moments(with_products=True)
    for part in parts:
        whole.merge(part)
    agrees(whole, rows())


def test_merging_does_not_change_the_other():
    first, second = Moments().add([[1.0, 5]]), Moments().add([[3.0, 5]])
    whole = Moments().merge(first).merge(second).add([[8.0, 5]])
    assert (whole.count, whole.mean.tolist(), whole.variance.tolist()) == (3, [4, 5], [26 / 3, 0])
    assert (first.count, first.mean.tolist(), first.squares.tolist()) == (1, [1, 5], [0, 0])
    assert (second.count, second.low.tolist(), second.high.tolist()) == (1, [3, 5], [3, 5])


def test_one_row_has_no_variance_and_is_constant():
    moments = Moments().add([[3.0, -2.0]])
    assert moments.variance.tolist() == [0, 0]
    assert moments.constant.all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float16, bool])
def test_other_types_are_summed_in_float64(dtype):
    x_ND = np.random.default_rng(0).integers(0, 2 if dtype is bool else 250, (3000, 2)).astype(dtype)
    agrees(Moments().add(x_ND[:7]).add(x_ND[7:]), x_ND.astype(np.float64))  # 3000 · 250 does not fit into a uint8


@pytest.mark.parametrize("constant", [0.1, 1e8 + 0.1, -7.3])
def test_a_constant_column_has_no_variance_at_all(constant):
    moments = Moments()
    for size in (3, 7, 10):
        moments.add(np.full((size, 1), constant))
    assert moments.constant.all()
    assert moments.variance.tolist() == [0]
