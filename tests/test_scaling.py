"""Each scaling and its inverse, against NumPy in float64, and its description."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from taciturn.data.device_rows import tensor
from taciturn.data.moments import Moments
from taciturn.model import (
    Auto,
    Autoencoder,
    Common,
    Layout,
    MeanNorm,
    MinMax,
    NoScaling,
    Standard,
    UInt8,
    Whiten,
    scaled_range,
)
from taciturn.model.coding_layers import Identity

ALL = [Auto(), NoScaling(), UInt8(), Standard(), MinMax(), MeanNorm(), Common(), Whiten(), Whiten(0.5)]
DTYPES = [np.float32, np.float64, np.uint8, np.int64]


def rows(dtype=np.float64):
    """200 rows in 0 … 250: the last column has one value."""
    x_ND = np.random.default_rng(0).uniform(0, 250, (200, 4)) * [1, 0.3, 0.1, 1]
    x_ND[:, 3] = 7.3
    return x_ND.astype(dtype)


def formula(scaling, x_ND):
    """The rows as the scaling must return them, in float64."""
    x = x_ND.astype(np.float64)
    if scaling == Auto():
        scaling = UInt8() if x_ND.dtype == np.uint8 else Standard()
    centred = [1, 1, 1, 0] if isinstance(scaling, Standard | MinMax) else None
    if isinstance(scaling, Whiten):  # the constant column has no correlations: only the other three are whitened
        z = (x[:, :3] - x[:, :3].mean(0)) / x[:, :3].std(0)
        variance, components = np.linalg.eigh(np.cov(z.T, bias=True))
        mean = (variance.sum() + 1) / 4  # it counts with variance 1
        root = components @ np.diag(np.maximum(variance, scaling.floor * mean) ** -0.5) @ components.T
        return np.column_stack([z @ root, np.zeros(len(x))])
    x = {
        NoScaling(): x,
        UInt8(): x / 255,
        Standard(): (x - x.mean(0)) / np.where(x.std(0) > 1e-9, x.std(0), 1),
        Common(): (x - x.mean(0)) / np.sqrt(x.var(0).mean()),
        MeanNorm(): x / np.sqrt((x**2).sum(1)).mean() * 2,
        MinMax(): (x - x.min(0)) / np.where(np.ptp(x, axis=0) > 0, np.ptp(x, axis=0), 1),
    }[scaling]
    return x * centred if centred else x


def fitted(scaling, x_ND, dtype=torch.float32):
    """A model with the scaling fitted to these rows."""
    moments = Moments(with_products=scaling.whitens).add(x_ND)
    layout = Layout((x_ND.shape[1], 2), Identity(), whitened=scaling.whitens)
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
    model = model.double() if dtype == torch.float64 else model  # .float() would round the shift as well
    model.set_scaling(scaling.resolve(moments, x_ND.dtype), moments)
    return model


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scaling", ALL, ids=str)
def test_scaled_by_the_formula_and_restored(scaling, dtype):
    x_ND = rows(dtype)
    for precision, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-13)):
        model = fitted(scaling, x_ND, precision)
        scaled = model.scale_rows(tensor(x_ND))
        assert scaled.dtype == precision
        bound = max(tolerance, 1e-6 if dtype == np.float32 else 0)
        assert_allclose(scaled, formula(scaling, x_ND), rtol=bound, atol=4 * bound)
        back = model.unscale_rows(scaled)
        assert back.dtype == precision
        assert_allclose(back, x_ND.astype(np.float64), rtol=2 * bound, atol=250 * bound)


@pytest.mark.parametrize("scaling", ALL, ids=str)
def test_a_model_knows_whether_it_scales(scaling):
    x_ND = rows(np.float32)
    model = fitted(scaling, x_ND)
    assert model.rescales == (scaling != NoScaling())
    if not model.rescales:
        assert_array_equal(model.scale_rows(tensor(x_ND)), model.cast(tensor(x_ND)))
    one = fitted(NoScaling(), x_ND)
    one.scale[1] = 2.0
    other = fitted(NoScaling(), x_ND)
    other.shift[2] = -0.5
    assert one.rescales
    assert other.rescales


def test_rows_that_need_no_scaling_are_not_copied():
    x_ND = rows(np.float32)
    model, x = fitted(NoScaling(), x_ND), tensor(x_ND)
    assert model.cast(x) is x
    assert model.cast(x.double()).dtype == torch.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
@pytest.mark.parametrize("scaling", ALL, ids=str)
def test_whole_numbers_are_restored_exactly_when_rounded(scaling, dtype):
    x_ND = rows(dtype)
    model = fitted(scaling, x_ND)
    assert_array_equal(model.unscale_rows(model.scale_rows(tensor(x_ND))).round(), x_ND)


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.float32])
@pytest.mark.parametrize("scaling", [Standard(), MinMax()], ids=str)
def test_rows_far_from_zero_keep_their_digits(scaling, dtype, precision):
    """x = 1e6 + small: scaled rows must be as exact as the rows are, not as 1e6 is in float32."""
    small = np.random.default_rng(1).normal(size=(500, 3)) * [0.5, 5.0, 50.0]
    x_ND = (1e6 + small).astype(dtype)
    exact = x_ND.astype(np.float64)
    if scaling == Standard():
        expected = (exact - exact.mean(0)) / exact.std(0)
    else:
        expected = (exact - exact.min(0)) / np.ptp(exact, axis=0)
    model = fitted(scaling, x_ND, precision)
    scaled = model.scale_rows(tensor(x_ND))
    assert_allclose(scaled, expected, atol=1e-6)
    back = model.unscale_rows(scaled.double())
    assert_allclose(back, exact, rtol=0, atol=1e-4)


def test_restoring_is_the_inverse_for_float32_rows_far_from_zero():
    """To the bit of the rows' own precision: 1e6 has steps of 1/16 in float32."""
    x_ND = (1e6 + np.random.default_rng(2).normal(size=(500, 3)) * [0.5, 5.0, 50.0]).astype(np.float32)
    model = fitted(Standard(), x_ND)
    assert_array_equal(model.unscale_rows(model.scale_rows(tensor(x_ND))), x_ND)


CHOSEN = [
    (np.array([[0.0, 1], [0.5, 0.2]]), NoScaling()),
    (np.array([[0, 1], [1, 0]]), NoScaling()),
    (np.array([[False, True]]), NoScaling()),
    (np.array([[0.0, 1.000001]]), Standard()),
    (np.array([[-1e-9, 1.0]]), Standard()),
    (np.array([[0.0, 255.0]]), Standard()),
    (np.array([[0, 255]], np.uint8), UInt8()),
    (np.array([[3, 2]], np.uint8), UInt8()),
    (np.array([[0, 255]], np.int64), Standard()),
]


@pytest.mark.parametrize(("x_ND", "expected"), CHOSEN, ids=str)
def test_auto_chooses_by_the_data(x_ND, expected):
    assert Auto().resolve(Moments().add(x_ND), x_ND.dtype) == expected


def test_auto_leaves_bits_stored_as_uint8_as_they_are():
    """0 and 1 divided by 255 would be an input of next to nothing."""
    bits = np.eye(3, dtype=np.uint8)
    assert Auto().resolve(Moments().add(bits), bits.dtype) == NoScaling()


@pytest.mark.parametrize("scaling", ALL[1:], ids=str)
def test_any_other_scaling_resolves_to_itself(scaling):
    assert scaling.resolve(Moments().add([[0.0, 300.0]]), np.uint8) is scaling


def test_whitened_rows_have_no_correlations_except_where_a_direction_is_noise():
    rng = np.random.default_rng(3)
    x_ND = rng.normal(size=(4000, 5)) @ rng.normal(size=(5, 5)) * [1, 10, 0.1, 1, 3] + 5
    x_ND[:, 4] = x_ND[:, 0] + 1e-9 * rng.normal(size=4000)  # almost the same column twice
    scaled = fitted(Whiten(), x_ND, torch.float64).scale_rows(torch.from_numpy(x_ND)).numpy()
    variance = np.linalg.eigvalsh(np.cov(scaled.T, bias=True))
    assert_allclose(variance, [0, 1, 1, 1, 1], atol=1e-9)


@pytest.mark.parametrize("scaling", [Standard(), MinMax()], ids=str)
def test_constant_columns_are_only_centred(scaling):
    x_ND = np.array([[0.1, 0], [0.1, 4], [0.1, 8]])
    shift, scale = scaling.fit(Moments().add(x_ND[:1]).add(x_ND[1:]))
    assert shift[0] == pytest.approx(0.1, rel=1e-15)
    assert scale[0] == 1
    scaled = fitted(scaling, x_ND).scale_rows(torch.tensor([[0.1, 0.0], [2.1, 0.0]], dtype=torch.float64))
    assert_allclose(scaled[:, 0], [0, 2], atol=1e-7)  # an unseen value is not scaled up


DESCRIPTIONS = [
    (NoScaling(), [[-2.0, 0.5], [3, 9]], "not scaled, values from -2 to 9"),
    (UInt8(), [[0, 255]], "divided by 255"),
    (Standard(), [[0.0, 1], [1, 3]], "each column standardised to mean 0, deviation 1"),
    (
        Standard(),
        [[0.0, 1], [0, 3]],
        "each column standardised to mean 0, deviation 1 (1 constant column only centred)",
    ),
    (MinMax(), [[0.0, 1], [1, 3]], "each column scaled to [0, 1] by its minimum and maximum"),
    (
        MinMax(),
        [[5.0, 1], [5, 1]],
        "each column scaled to [0, 1] by its minimum and maximum (2 constant columns only centred)",
    ),
    (MeanNorm(), [[3.0, 4], [6, 8]], "divided by 5.303, so that rows have norm √2 on average"),
    (
        Whiten(),
        [[0.0, 1], [0, 3]],
        "columns standardised and their correlations removed (1 constant column only centred)",
    ),
    (Auto(), [[0.0, 1], [1, 0.5]], "not scaled, values from 0 to 1"),
    (Auto(), [[0.0, 7], [1, 3]], "each column standardised to mean 0, deviation 1"),
]


@pytest.mark.parametrize(("scaling", "x_ND", "line"), DESCRIPTIONS, ids=str)
def test_the_description(scaling, x_ND, line):
    assert scaling.description(Moments().add(x_ND)) == line


UNIT = [
    (NoScaling(), [[0.0, 1.0]], True),
    (NoScaling(), [[0.0, 1.001]], False),
    (NoScaling(), [[-0.001, 1.0]], False),
    (UInt8(), [[0, 255]], True),
    (UInt8(), [[0, 256]], False),
    (MinMax(), [[-5.0, 300.0], [3.1, 0.7]], True),
    (MinMax(), [[7.0, 7.0]], True),
    (Standard(), [[0.0, 1.0], [1.0, 0.5]], False),
    (Standard(), [[3.0, 3.0]], True),
    (MeanNorm(), [[0.0, 1.0]], False),
    (MeanNorm(), [[0.5, 0.5]], True),
    (Whiten(), [[3.0, 3.0]], False),
    (Auto(), [[0.0, 1.0]], True),
    (Auto(), [[0.0, 2.0], [1.0, 3.0]], False),
]


@pytest.mark.parametrize(("scaling", "x_ND", "inside"), UNIT, ids=str)
def test_whether_scaled_rows_lie_in_the_unit_interval(scaling, x_ND, inside):
    low, high = scaled_range(scaling, Moments().add(x_ND))
    assert (low >= 0 and high <= 1) is inside


def test_minmax_of_random_rows_is_in_the_unit_interval_to_the_bit():
    rng = np.random.default_rng(0)
    for _ in range(200):
        x_ND = rng.normal(size=(5, 3)) * 10 ** rng.uniform(-8, 8, 3) + rng.normal(size=3)
        assert scaled_range(MinMax(), Moments().add(x_ND)) == (0, 1)
        scaled = fitted(MinMax(), x_ND).scale_rows(torch.tensor(x_ND))
        assert (scaled.min(), scaled.max()) == (0, 1)


@pytest.mark.parametrize("scaling", [Standard(), MinMax(), MeanNorm(), Whiten()], ids=str)
def test_a_column_constant_but_for_rounding_is_only_centred(scaling):
    """Divided by its deviation of 1e-17, an unseen value would be 1e17."""
    x_ND = np.random.default_rng(0).random((100, 4))
    x_ND[:, 1] = np.where(x_ND[:, 0] < 0.5, 0.3, 0.1 + 0.2)
    assert np.ptp(x_ND[:, 1]) > 0
    exact = x_ND.copy()
    exact[:, 1] = 0.3
    unseen = torch.tensor(x_ND[:5] + np.array([0, 1, 0, 0]))
    scaled = fitted(scaling, x_ND, torch.float64).scale_rows(unseen)
    assert_allclose(scaled, fitted(scaling, exact, torch.float64).scale_rows(unseen), atol=1e-12)
    assert np.abs(scaled.numpy()).max() < 10
    if scaling != MeanNorm():
        assert scaling.description(Moments(with_products=True).add(x_ND)).endswith("(1 constant column only centred)")


@pytest.mark.parametrize("floor", [0.01, 0.5, 1e-6])
@pytest.mark.parametrize("n_rows", [2, 20, 80])
def test_fewer_rows_than_columns_are_whitened_by_the_same_matrices(n_rows, floor):
    """Against the singular value decomposition of the standardised rows."""
    x_ND = np.random.default_rng(0).normal(size=(n_rows, 200)) * np.linspace(0.1, 9, 200)
    x_ND[:, 7] = 3.0
    z = (x_ND - x_ND.mean(0)) / np.where(np.arange(200) == 7, 1, x_ND.std(0))
    _, singular, components = np.linalg.svd(z / np.sqrt(n_rows))
    variance = np.zeros(200)
    variance[: len(singular)] = singular**2
    # the constant column has the variance 1, in a component of its own
    last = components[-1] * 0
    last[7] = 1
    components = np.vstack([components[: n_rows - 1], last])
    std = np.sqrt(np.maximum(np.append(variance[: n_rows - 1], 1), floor))
    rest = np.eye(200) - components.T @ components
    whitening, colouring = Whiten(floor).matrices(Moments(with_products=True).add(x_ND))
    assert_allclose(whitening, components.T / std @ components + rest / np.sqrt(floor), atol=1e-7 / floor)
    assert_allclose(colouring, components.T * std @ components + rest * np.sqrt(floor), atol=1e-7)
    assert_allclose(whitening @ colouring, np.eye(200), atol=1e-9)
