"""Streamed moments against NumPy's in float64."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from taciturn.core.errors import DataError
from taciturn.data.extreme_rows import extreme_share
from taciturn.data.moments import Moments, measure_moments
from taciturn.data.sources import Rows

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


# --- constant but for rounding -----------------------------------------------------------------------------------
@pytest.mark.parametrize("n_rows", [2, 100, 20_000])
def test_constant_columns_are_those_of_standard_scaler(n_rows):
    """StandardScaler gives the scale 1 to a column that is constant but for rounding."""
    rng = np.random.default_rng(n_rows)
    mean, spread = np.array([-7.0, 0.1, 1e8, 1e-8, 0]), 10.0 ** np.arange(-18, 1)[:, None]
    x_ND = (mean + mean.clip(1e-9) * spread * rng.normal(size=(n_rows, 1, 1))).reshape(n_rows, -1)
    moments = measure_moments(Rows(x_ND), block=999)
    assert_array_equal(moments.constant, StandardScaler().fit(x_ND).scale_ == 1)
    assert 0 < moments.constant.sum() < x_ND.shape[1]


# --- values whose squares leave the range of float64 -----------------------------------------------------------------
@pytest.mark.parametrize("unit", [1e-320, 1e-170, 1e-150, 1e-39, 1e-37, 1e-30, 1e30, 1e150])
def test_tiny_and_huge_values_give_numpys_numbers(unit):
    x_ND = np.random.default_rng(0).normal(size=(500, 3)) * unit
    moments = measure_moments(Rows(x_ND), block=100)
    exact = x_ND.astype(np.longdouble)  # has a larger range
    for numbers, expected in (
        (moments.mean, exact.mean(0)),
        (moments.variance, np.square(exact - exact.mean(0)).mean(0)),
        (moments.norm, np.sqrt(np.square(exact).sum(1)).mean()),
    ):
        # below the smallest square there is nothing left but 0
        assert_allclose(numbers, expected.astype(float), rtol=1e-10, atol=1e-160 if numbers is moments.norm else 1e-310)
    assert moments.constant.all() == (unit < 1e-38)  # float32 cannot hold the inverse of such a deviation


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_squares_that_exceed_float64_are_one_error_that_names_the_column(block):
    x_ND = np.random.default_rng(0).normal(size=(20, 3))
    x_ND[7, 1] = -3e200
    with pytest.raises(DataError, match=r"^column 'b' holds values up to 3e\+200, .*; divide the column by 1e\+200$"):
        measure_moments(Rows(x_ND, columns=("a", "b", "c")), block=block)
    with pytest.raises(DataError, match=r"^column 1 "):
        measure_moments(Rows(x_ND), block=block)
    x_ND[:, 1] /= 1e200
    assert_allclose(measure_moments(Rows(x_ND), block=block).variance, x_ND.var(0))


# --- merging what does not fit ---------------------------------------------------------------------------------------
def test_empty_moments_keep_their_products_and_refuse_rows_without():
    plain, whole = Moments().add(rows()), Moments(with_products=True)
    with pytest.raises(DataError, match="measure those with with_products=True"):
        whole.merge(plain)
    assert whole.merge(Moments()).with_products
    agrees(whole.merge(Moments(with_products=True).add(rows())), rows())
    without = Moments().merge(whole)
    assert not without.with_products
    agrees(without.add(rows()[:0]), rows())
    assert without.products.size == 0


def test_other_columns_and_rows_of_another_shape_are_refused():
    moments = Moments().add(rows())
    with pytest.raises(DataError, match="moments of 6 columns cannot take rows of 1"):
        moments.add([[1.0]])
    with pytest.raises(DataError, match=r"an array \[rows, columns\], not one of shape \[3\]"):
        Moments().add([1.0, 2.0, 3.0])
    agrees(moments, rows())


# --- rows that hold nearly all of the variance -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("n_rows", "share", "factor", "expected"),
    [
        (1000, 0.01, 100, (0.007, 0.01)),
        (200, 0.01, 100, (0.005, 0.01)),
        (1000, 0.04, 100, (0.025, 0.04)),
        (50_000, 0.01, 100, (0.005, 0.02)),  # 5,000 of them are read
        (50_000, 0.00004, 10_000, (0, 0.001)),  # perhaps none of the two is read
        (1000, 0.01, 3, None),
        (1000, 0.2, 100, None),  # a fifth of the rows are not a few
    ],
)
def test_the_share_of_rows_that_holds_the_variance(n_rows, share, factor, expected):
    x_ND = np.random.default_rng(0).normal(size=(n_rows, 6)) + 5
    x_ND[: int(n_rows * share)] *= factor
    moments = Moments().add(x_ND)
    for scale in (np.sqrt(moments.variance), np.ones(6)):
        found = extreme_share(Rows(x_ND), moments, scale)
        assert found is None if expected is None else expected[0] <= found <= expected[1]


@pytest.mark.parametrize("n_columns", [1, 3, 30])
def test_ordinary_rows_with_heavy_tails_are_not_extreme(n_columns):
    rng, shape = np.random.default_rng(0), (1000, n_columns)
    for x_ND in (
        rng.lognormal(size=shape),
        rng.poisson(3, shape),
        rng.poisson(0.05, shape),
        rng.poisson(0.001, shape),
        rng.laplace(size=shape),
        np.eye(1000)[:, :n_columns],
        np.zeros(shape),
        np.full(shape, 7.0),
    ):
        moments = Moments().add(x_ND)
        scale = np.where(moments.constant, 1, np.sqrt(moments.variance))
        assert extreme_share(Rows(x_ND), moments, scale) is None
