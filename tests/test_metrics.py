"""Metrics against NumPy, scikit-learn and scikit-image in float64, whatever the block; evaluation of a small model."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import explained_variance_score
from sklearn.metrics.pairwise import cosine_similarity

from taciturn import inference
from taciturn.core.errors import DataError, RecipeError
from taciturn.core.schedules import Linear
from taciturn.core.seeds import generator
from taciturn.corruption import Gaussian, Masking
from taciturn.data.sources import Rows
from taciturn.kernels import Plain
from taciturn.metrics import SSIM, Cosine, Sparsity, SquaredErrors, psnr
from taciturn.model import Autoencoder, Dense, Layout, PreActivations
from taciturn.model.coding_layers import ReLU, Sigmoid, TopK

SPLITS = [[300], [1, 299], [100] * 3, [7] * 42 + [6], [1] * 300]
SSIM_GOLDEN = np.load(Path(__file__).with_name("golden") / "ssim.npz")


def pair(seed=0):
    """Rows whose columns have different means and scales, and poor reconstructions of them."""
    rng = np.random.default_rng(seed)
    x_ND = rng.normal(size=(300, 5)) * [1, 2, 0.1, 5, 1] + [0, 3, -7, 0, 1]
    return x_ND, x_ND + 0.3 * rng.normal(size=x_ND.shape) + 0.1


def streamed(x_ND, recon_ND, sizes=(300,), dtype=torch.float64, into=None):
    metric = into or SquaredErrors()
    for rows, recon in zip(*(np.split(a, np.cumsum(sizes)[:-1]) for a in (x_ND, recon_ND)), strict=True):
        metric.add(torch.tensor(rows, dtype=dtype), torch.tensor(recon, dtype=dtype))
    return metric


def numpy_fvu(x_ND, recon_ND):
    return ((x_ND - recon_ND) ** 2).sum() / ((x_ND - x_ND.mean(0)) ** 2).sum()


def numpy_explained(x_ND, recon_ND):
    return 1 - (x_ND - recon_ND).var(0).sum() / x_ND.var(0).sum()


@pytest.mark.parametrize("sizes", SPLITS, ids=lambda sizes: f"{len(sizes)} blocks")
def test_errors_are_numpys_for_any_block_size(sizes):
    x_ND, recon_ND = pair()
    errors = streamed(x_ND, recon_ND, sizes)
    squared = (x_ND - recon_ND) ** 2
    assert errors.mean == pytest.approx(squared.mean(), rel=1e-12)
    assert_allclose(errors.per_column, squared.sum(0), rtol=1e-12)
    assert errors.fvu == pytest.approx(numpy_fvu(x_ND, recon_ND), rel=1e-12)
    assert errors.peak == x_ND.max() - x_ND.min()
    assert errors.psnr == pytest.approx(10 * np.log10(errors.peak**2 / squared.mean()), rel=1e-12)


def test_fvu_is_not_a_mean_of_block_ratios():
    """Two blocks of constant rows: within a block there is no variance to explain."""
    errors = streamed(np.array([[0.0], [0], [4], [4]]), np.array([[1.0], [1], [3], [3]]), [2, 2])
    assert errors.fvu == 4 / 16


@pytest.mark.parametrize("sizes", SPLITS, ids=lambda sizes: f"{len(sizes)} blocks")
def test_explained_variance_is_scikit_learns_for_any_block_size(sizes):
    x_ND, recon_ND = pair()
    wanted = explained_variance_score(x_ND, recon_ND, multioutput="variance_weighted")
    found = streamed(x_ND, recon_ND, sizes).explained_variance
    assert found == pytest.approx(wanted, rel=1e-12)
    assert found == pytest.approx(numpy_explained(x_ND, recon_ND), rel=1e-12)


def test_a_constant_error_costs_fvu_but_no_explained_variance():
    x_ND, recon_ND = pair()
    found, moved = streamed(x_ND, recon_ND), streamed(x_ND, recon_ND + 3)
    assert moved.explained_variance == pytest.approx(found.explained_variance, rel=1e-12)
    assert found.explained_variance > 1 - found.fvu > 1 - moved.fvu
    centred = streamed(x_ND, recon_ND - (recon_ND - x_ND).mean(0))
    assert centred.explained_variance == pytest.approx(1 - centred.fvu, rel=1e-12)


def test_explained_variance_counts_errors_in_constant_columns():
    """Column variances 4 and 0, those of the errors 1 and 1; scikit-learn would leave the second out: 3/4."""
    x_ND, recon_ND = np.array([[-2.0, 5], [2, 5]]), np.array([[-1.0, 4], [1, 6]])
    assert streamed(x_ND, recon_ND, [1, 1]).explained_variance == 1 - 2 / 4


@pytest.mark.parametrize("constant", [3.0, -1e4, 1e6])
def test_fvu_and_error_do_not_change_with_a_constant(constant):
    x_ND, recon_ND = pair()
    first, moved = streamed(x_ND, recon_ND), streamed(x_ND + constant, recon_ND + constant)
    assert moved.fvu == pytest.approx(first.fvu, rel=1e-8)
    assert moved.mean == pytest.approx(first.mean, rel=1e-8)
    assert moved.psnr == pytest.approx(first.psnr, rel=1e-8)
    assert moved.explained_variance == pytest.approx(first.explained_variance, rel=1e-8)


@pytest.mark.parametrize("factor", [1e-6, -2.0, 1e5])
def test_fvu_and_psnr_do_not_change_with_the_scale(factor):
    x_ND, recon_ND = pair()
    first, scaled = streamed(x_ND, recon_ND), streamed(factor * x_ND, factor * recon_ND)
    assert scaled.fvu == pytest.approx(first.fvu, rel=1e-11)
    assert scaled.psnr == pytest.approx(first.psnr, rel=1e-11)
    assert scaled.explained_variance == pytest.approx(first.explained_variance, rel=1e-11)
    assert scaled.mean == pytest.approx(first.mean * factor**2, rel=1e-11)


def test_predicting_the_mean_explains_nothing_and_perfection_everything():
    x_ND, _ = pair()
    nothing = streamed(x_ND, np.broadcast_to(x_ND.mean(0), x_ND.shape).copy())
    assert nothing.fvu == pytest.approx(1, rel=1e-12)
    assert nothing.explained_variance == pytest.approx(0, abs=1e-12)
    perfect = streamed(x_ND, x_ND)
    assert (perfect.fvu, perfect.explained_variance, perfect.mean, perfect.psnr) == (0, 1, 0, math.inf)


@pytest.mark.parametrize("constant", [0.0, 0.1, 7.3])
@pytest.mark.parametrize("sizes", [[10], [3, 7]], ids=str)
def test_constant_rows_have_no_variance_to_explain(sizes, constant):
    x_ND = np.full((10, 2), constant)
    exact = streamed(x_ND, x_ND, sizes)
    assert (exact.fvu, exact.explained_variance) == (0, 1)
    assert streamed(x_ND, x_ND + np.arange(10)[:, None], sizes).explained_variance == -math.inf
    missed = streamed(x_ND, np.full_like(x_ND, 2 * constant + 0.5), sizes)
    assert missed.explained_variance == 1
    missed = streamed(x_ND, x_ND + 0.5, sizes)
    assert missed.fvu == math.inf
    assert missed.psnr == -math.inf
    assert missed.mean == pytest.approx(0.25, rel=1e-14)


def test_float32_rows_are_summed_in_float64():
    """10,000 errors of 1e-4 beside one of 1e4: a float32 sum would lose them."""
    x_ND = np.zeros((10001, 1))
    x_ND[0], x_ND[1::2] = 0.1, 1
    recon_ND = x_ND + 0.01
    recon_ND[0] += 100
    found = streamed(x_ND, recon_ND, [1, 10000], torch.float32)
    x32, recon32 = x_ND.astype(np.float32).astype(float), recon_ND.astype(np.float32).astype(float)
    assert found.mean == pytest.approx(((x32 - recon32) ** 2).mean(), rel=1e-12)
    assert found.explained_variance == pytest.approx(numpy_explained(x32, recon32), rel=1e-12)


@pytest.mark.parametrize(
    ("value", "mean", "psnr"),
    [(math.nan, math.inf, -math.inf), (math.inf, math.inf, -math.inf), (1e200, math.inf, -math.inf)],
)
def test_a_diverged_model_gives_no_warning(value, mean, psnr):
    x_ND, recon_ND = pair()
    recon_ND[3] = value
    for sizes in ([300], [2, 298]):
        found = streamed(x_ND, recon_ND, sizes)
        assert_array_equal([found.mean, found.fvu, found.psnr], [mean, mean, psnr])
        assert not math.isfinite(found.explained_variance)


@pytest.mark.parametrize(
    ("error", "peak", "wanted"),
    [(0.01, 1, 20), (1, 10, 20), (4, 2, 0), (0, 1, math.inf), (1, 0, -math.inf), (math.inf, 1, -math.inf)],
)
def test_psnr_by_hand(error, peak, wanted):
    assert psnr(error, peak) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("sizes", SPLITS, ids=lambda sizes: f"{len(sizes)} blocks")
@pytest.mark.parametrize("offset", [0, 1e6])
def test_cosine_is_scikit_learns_for_any_block_size(sizes, offset):
    x_ND, recon_ND = (a + offset for a in pair())
    wanted = np.diag(cosine_similarity(x_ND, recon_ND)).mean()
    by_hand = ((x_ND * recon_ND).sum(1) / np.sqrt((x_ND**2).sum(1) * (recon_ND**2).sum(1))).mean()
    found = streamed(x_ND, recon_ND, sizes, into=Cosine())
    assert found.rows == 300
    assert found.mean == pytest.approx(wanted, abs=1e-13)
    assert found.mean == pytest.approx(by_hand, abs=1e-13)


def test_cosine_does_not_change_with_a_rows_norm():
    x_ND, recon_ND = pair()
    factor = np.logspace(-30, 30, 300)[:, None]
    found = streamed(factor * x_ND, recon_ND / factor**2, into=Cosine()).mean
    assert found == pytest.approx(streamed(x_ND, recon_ND, into=Cosine()).mean, abs=1e-13)


def test_cosine_of_float32_rows_is_taken_in_float64():
    """1 and 1e-5 apart: 1 - cos is 5e-11, and float32 has no such digits; 1e30² is beyond it."""
    x, recon = torch.tensor([[1e30, 0]]), torch.tensor([[1e30, 1e25]])
    assert 1 - Cosine().per_row(x, recon).item() == pytest.approx(5e-11, rel=1e-4)


@pytest.mark.parametrize(
    ("x", "recon", "wanted"),
    [
        ([0, 0], [0, 0], 1),
        ([0, 0], [1e-9, 0], 0),
        ([1e-9, 0], [0, 0], 0),
        ([3, 4], [-6, -8], -1),
        ([3, 4], [-4, 3], 0),
        ([5, 0], [3, 4], 0.6),
        ([0, 0], [math.nan, 0], math.nan),
    ],
)
def test_cosines_by_hand(x, recon, wanted):
    cosine = Cosine()
    cosine.add(torch.tensor([x]), torch.tensor([recon]))
    assert cosine.mean == pytest.approx(wanted, abs=1e-7, nan_ok=True)


def test_a_mean_over_no_rows_is_nan():
    cosine = Cosine()
    assert math.isnan(cosine.mean)
    cosine.add(torch.zeros(0, 3), torch.zeros(0, 3))
    assert math.isnan(cosine.mean)


def similarity(x, recon, peak, sizes=None, dtype=torch.float64):
    """SSIM of images [N, H, W, ...], each block's rows flattened."""
    n = len(x)
    return streamed(x.reshape(n, -1), recon.reshape(n, -1), sizes or [n], dtype, SSIM(x.shape[1:], peak=peak)).mean


def numpy_ssim(x_NHW, recon_NHW, peak, side):
    """Wang et al.'s (2004) formula, window by window, each variance around its own mean."""
    offsets = np.arange(side) - side // 2
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    weights /= weights.sum()
    x, y = (sliding_window_view(a, (side, side), (1, 2)) for a in (x_NHW, recon_NHW))
    mx, my = ((weights * a).sum((-2, -1), keepdims=True) for a in (x, y))
    vx, vy, vxy = ((weights * a).sum((-2, -1)) for a in ((x - mx) ** 2, (y - my) ** 2, (x - mx) * (y - my)))
    mx, my, c1, c2 = mx[..., 0, 0], my[..., 0, 0], (0.01 * peak) ** 2, (0.03 * peak) ** 2
    return ((2 * mx * my + c1) / (mx**2 + my**2 + c1) * (2 * vxy + c2) / (vx + vy + c2)).mean()


def two_images(*shape, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(4, *shape))
    return x, (x + 0.3 * rng.normal(size=x.shape)) * [[[0.5]], [[1]], [[-1]], [[2]]]


@pytest.mark.parametrize("sizes", [[6], [1] * 6, [1, 5], [4, 2]], ids=str)
@pytest.mark.parametrize("name", ["grey", "wide", "smallest", "colour"])
def test_ssim_is_scikit_images_for_any_block_size(name, sizes):
    x, recon, wanted = (SSIM_GOLDEN[f"{name}/{what}"] for what in ("x", "recon", "ssim"))
    assert similarity(x / 255, recon / 255, 1, sizes) == pytest.approx(wanted.mean(), abs=1e-12)
    assert similarity(x, recon, 255, sizes) == pytest.approx(wanted.mean(), abs=1e-12)
    assert similarity(x, recon, 255, sizes, torch.uint8) == pytest.approx(wanted.mean(), abs=1e-12)
    assert similarity(x, recon, 255, sizes, torch.float32) == pytest.approx(wanted.mean(), abs=1e-12)


@pytest.mark.parametrize("name", ["grey", "wide", "smallest", "colour"])
def test_each_images_ssim_is_scikit_images(name):
    x, recon, wanted = (SSIM_GOLDEN[f"{name}/{what}"] for what in ("x", "recon", "ssim"))
    rows = (torch.tensor(a.reshape(6, -1)) for a in (x, recon))
    assert_allclose(SSIM(x.shape[1:], peak=255).per_row(*rows), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "side"),
    [((28, 28), 11), ((11, 12), 11), ((10, 30), 9), ((30, 9), 9), ((8, 8), 7), ((3, 4), 3), ((2, 9), 1), ((1, 1), 1)],
    ids=str,
)
@pytest.mark.parametrize("peak", [0.5, 1.0, 4.0])
def test_small_images_have_the_largest_window_that_fits(shape, side, peak):
    x, recon = two_images(*shape)
    assert similarity(x, recon, peak) == pytest.approx(numpy_ssim(x, recon, peak, side), abs=1e-13)


@pytest.mark.parametrize("offset", [1e3, 1e6, -1e6])
def test_ssim_keeps_its_digits_far_from_zero(offset):
    """Far from zero the luminance is equal; images differ in structure, around means that share seven digits."""
    x, recon = two_images(14, 14)
    offset = offset * np.array([[[1]], [[0]], [[-1]], [[2]]])  # beside one near zero
    for y in (x, x + offset):
        wanted = numpy_ssim(y, recon + offset, 1.0, 11)
        assert similarity(y, recon + offset, 1.0) == pytest.approx(wanted, abs=1e-8)


@pytest.mark.parametrize("x", [np.zeros((2, 12, 12)), np.full((2, 12, 12), 1e6), two_images(12, 12)[0]])
def test_equal_images_have_a_similarity_of_1(x):
    assert similarity(x, x, 1.0) == 1


def test_flat_images_differ_in_luminance_alone():
    x = np.full((1, 12, 12), 0.2)
    assert similarity(x, 3 * x, 1) == pytest.approx((2 * 0.12 + 1e-4) / (0.04 + 0.36 + 1e-4), rel=1e-13)


@pytest.mark.parametrize("shape", [(64,), (3, 8, 8), (8, 8, 1), (2, 2, 2, 2), (), (0, 8)], ids=str)
def test_ssim_needs_the_shape_of_an_image(shape):
    with pytest.raises(RecipeError, match="is not an image shape; give"):
        SSIM(shape, peak=1)


@pytest.mark.parametrize("peak", [0, -1, math.nan, math.inf])
def test_ssim_needs_a_range(peak):
    with pytest.raises(RecipeError, match=f"peak={peak} is not a range; give the largest minus the smallest"):
        SSIM((8, 8), peak=peak)


@pytest.mark.parametrize("columns", [63, 128])
def test_ssim_refuses_rows_of_another_size(columns):
    message = rf"rows of shape \({columns},\) are not images of shape \(8, 8\), flattened to 64 values"
    with pytest.raises(DataError, match=message):
        SSIM((8, 8), peak=1).add(torch.zeros(2, columns), torch.zeros(2, columns))


@pytest.mark.parametrize("sizes", [[4], [1, 3], [2, 2], [1] * 4], ids=str)
def test_sparsity_is_streamed(sizes):
    codes_BL = np.array([[0.0, 1, 0, 4], [0, 2, -3, 0], [0, 0, 0, -4], [0, 5, 1, 0]])  # the last latent's codes cancel
    sparsity = Sparsity()
    for block in np.split(codes_BL, np.cumsum(sizes)[:-1]):
        codes = Dense(torch.tensor(block))
        sparsity.add(codes, codes.active_counts())
    assert sparsity.rows == 4
    assert_array_equal(sparsity.mean_activations, [0, 2, -0.5, 0])
    assert_array_equal(sparsity.firing_rates, [0, 0.75, 0.5, 0.5])
    assert sparsity.l0 == 1.75
    assert sparsity.dead == 1 / 4


@pytest.mark.parametrize("sizes", SPLITS, ids=lambda sizes: f"{len(sizes)} blocks")
@pytest.mark.parametrize("signed", [False, True])
def test_sparsity_of_sparse_float32_codes_is_numpys_in_float64(sizes, signed):
    """The last latent is dead; signed codes may be below 0."""
    rng = torch.Generator().manual_seed(0)
    x_ND, W = torch.randn(300, 4, generator=rng), torch.randn(6, 4, generator=rng)
    bias = torch.tensor([0, 1, 0, 0, -2, 0.0])
    W[5] = 0
    coded = PreActivations(x_ND, W, bias, None, Plain()).top(2, signed=signed)
    codes_NL = coded.dense().double().numpy()
    sparsity, start = Sparsity(), 0
    for size in sizes:
        codes = PreActivations(x_ND[start : start + size], W, bias, None, Plain()).top(2, signed=signed)
        sparsity.add(codes, codes.active_counts())
        start += size
    assert_allclose(sparsity.mean_activations, codes_NL.mean(0), rtol=1e-5, atol=1e-7)  # the codes are float32's
    assert_allclose(sparsity.firing_rates, (codes_NL != 0).mean(0), rtol=1e-14)
    assert sparsity.l0 == pytest.approx((codes_NL != 0).sum(1).mean(), rel=1e-14)
    assert sparsity.dead == (codes_NL == 0).all(0).mean()


def test_float32_codes_are_summed_in_float64():
    """Beside 1e9 a float32 sum loses every 1."""
    codes = Dense(torch.ones(1001, 2).index_fill(0, torch.tensor([0]), 1e9))
    sparsity = Sparsity()
    sparsity.add(codes, codes.active_counts())
    assert_array_equal(sparsity.mean_activations, [(1e9 + 1000) / 1001] * 2)


def network(coder, *widths, **layout):
    rng = torch.Generator().manual_seed(0)
    model = Autoencoder(Layout(widths, coder, **layout), rng=rng).double()
    with torch.no_grad():
        for layer in (*model.encoder, *model.decoder):
            layer.bias.copy_(0.3 * torch.randn(layer.bias.shape, generator=rng))
        for shift, scale in ((model.shift, model.scale), (model.target_shift, model.target_scale)):
            shift.fill_(2.0)
            scale.fill_(4.0)
        model.unit.copy_(UNIT_D)
    return model


# the unit of errors: what is 1 in scaled units is 4 in the rows' own, and 4 / 8 or 4 / 16 in these
UNIT_D = torch.tensor([8.0, 8.0, 8.0, 16.0], dtype=torch.float64)
RATIO_D = np.array([0.5, 0.5, 0.5, 0.25])


def arrays(model):
    return [
        layer.detach().numpy() for side in (model.encoder, model.decoder) for layer in (side[0].weight, side[0].bias)
    ]


def numpy_codes(model, x_BD):
    W, b, _, _ = arrays(model)
    pre = x_BD @ W.T + b
    if model.layout.coder == Sigmoid():
        return 1 / (1 + np.exp(-pre))
    if model.layout.coder == ReLU():
        return np.maximum(pre, 0)
    return np.where(pre >= np.sort(pre, axis=1)[:, -2:-1], np.maximum(pre, 0), 0)


def numpy_recon(model, x_BD):
    _, _, V, c = arrays(model)
    return numpy_codes(model, x_BD) @ V + c


@pytest.mark.parametrize("entries", [1 << 22, 48])
@pytest.mark.parametrize(("coder", "least"), [(Sigmoid(), 0.5), (ReLU(), 0.0), (TopK(Linear(6, 2)), 0.0)], ids=str)
def test_evaluation_of_clean_rows_is_numpys(monkeypatch, coder, least, entries):
    monkeypatch.setattr("taciturn.inference.blocks.ENTRIES", entries)
    model = network(coder, 4, 6)
    rows_ND = np.random.default_rng(0).normal(size=(50, 4)) * 4 + 2
    x_ND = (rows_ND - 2) / 4
    codes_NL = numpy_codes(model, x_ND)
    found = inference.evaluate(model, Rows(rows_ND))
    recon_ND, x_ND = numpy_recon(model, x_ND) * RATIO_D, x_ND * RATIO_D
    assert found.clean.fvu == pytest.approx(numpy_fvu(x_ND, recon_ND), rel=1e-11)
    assert found.clean.mean == pytest.approx(((recon_ND - x_ND) ** 2).mean(), rel=1e-11)
    assert_allclose(found.row_errors, ((recon_ND - x_ND) ** 2).mean(1), rtol=1e-11)
    assert_allclose(found.sparsity.mean_activations, codes_NL.mean(0), rtol=1e-12)
    assert_allclose(found.sparsity.firing_rates, (codes_NL > least).mean(0), rtol=1e-15)
    assert found.sparsity.l0 == pytest.approx((codes_NL > least).sum(1).mean(), rel=1e-13)
    assert found.before is None
    assert found.after is None


@pytest.mark.parametrize("entries", [1 << 22, 48])
@pytest.mark.parametrize("corruption", [Gaussian(0.5), Gaussian(Linear(3, 0.5))], ids=str)
def test_evaluation_of_corrupted_rows_is_numpys(monkeypatch, corruption, entries):
    """Noise in scaled units, drawn in blocks of 64 rows however many are read at a time, at the schedule's end."""
    monkeypatch.setattr("taciturn.inference.blocks.ENTRIES", entries)
    model = network(Sigmoid(), 4, 6)
    rows_ND = np.random.default_rng(0).normal(size=(150, 4)) * 4 + 2
    x_ND = (rows_ND - 2) / 4
    drawn = [
        torch.randn(n, 4, generator=generator(5, "evaluate", 0, block), dtype=torch.float64).numpy()
        for block, n in enumerate([64, 64, 22])
    ]
    seen_ND = x_ND + 0.5 * np.concatenate(drawn)
    found = inference.evaluate(model, Rows(rows_ND), corruption=corruption, seed=5)
    difference_ND = (seen_ND - x_ND) * RATIO_D
    assert found.before.mean == pytest.approx((difference_ND**2).mean(), rel=1e-12)
    assert found.before.fvu == pytest.approx(numpy_fvu(x_ND * RATIO_D, seen_ND * RATIO_D), rel=1e-12)
    after_ND, clean_ND = ((numpy_recon(model, seen) - x_ND) * RATIO_D for seen in (seen_ND, x_ND))
    assert found.after.mean == pytest.approx((after_ND**2).mean(), rel=1e-11)
    assert found.clean.mean == pytest.approx((clean_ND**2).mean(), rel=1e-11)
    assert_allclose(found.sparsity.mean_activations, numpy_codes(model, x_ND).mean(0), rtol=1e-12)  # of the clean rows


def test_the_same_seed_gives_the_same_noise():
    model, rows = network(Sigmoid(), 4, 6), Rows(np.random.default_rng(0).normal(size=(150, 4)))
    means = [inference.evaluate(model, rows, corruption=Masking(0.5), seed=seed).before.mean for seed in (1, 1, 2)]
    assert means[0] == means[1]
    assert means[0] != means[2]


class Counting(Rows):
    """Rows that record how many were read at a time."""

    def __init__(self, array):
        super().__init__(array)
        self.sizes = []

    def read(self, start, stop):
        self.sizes.append(stop - start)
        return super().read(start, stop)


@pytest.mark.parametrize(
    ("widths", "sizes"), [((4, 6), [300]), ((4, 24, 6), [64] * 3 + [108]), ((4, 9999), [64] * 3 + [108])], ids=str
)
def test_blocks_are_bounded_by_the_widest_array(monkeypatch, widths, sizes):
    """As many times 64 rows, the unit of noise, as 24 · 64 entries hold, and one at least; a rest joins the last."""
    monkeypatch.setattr("taciturn.inference.blocks.ENTRIES", 24 * 64)
    model = network(Sigmoid(), *widths)
    source = Counting(np.random.default_rng(0).normal(size=(300, 4)))
    codes_NL = torch.cat([codes.dense() for codes in inference.encode(model, source)])
    assert source.sizes == sizes
    monkeypatch.setattr("taciturn.inference.blocks.ENTRIES", 1 << 22)
    [whole] = inference.encode(model, source)
    assert_allclose(codes_NL, whole.dense(), rtol=1e-13)


def test_denoising_decoding_and_errors_are_numpys(monkeypatch):
    monkeypatch.setattr("taciturn.inference.blocks.ENTRIES", 48)
    model = network(Sigmoid(), 4, 6)
    rng = np.random.default_rng(0)
    rows_ND, target_ND = rng.normal(size=(20, 4)) * 4 + 2, rng.normal(size=(20, 4))
    x_ND = (rows_ND - 2) / 4
    recon_ND = numpy_recon(model, x_ND)
    assert_allclose(np.concatenate(list(inference.denoise(model, Rows(rows_ND)))), recon_ND * 4 + 2, rtol=1e-12)
    assert_allclose(inference.decode(model, numpy_codes(model, x_ND)), recon_ND * 4 + 2, rtol=1e-12)
    found = torch.cat(list(inference.errors(model, Rows(rows_ND))))
    assert_allclose(found, (recon_ND - x_ND) * RATIO_D, rtol=1e-11, atol=1e-13)
    found = torch.cat(list(inference.errors(model, Rows(rows_ND), Rows(target_ND))))
    assert_allclose(found, (recon_ND - (target_ND - 2) / 4) * RATIO_D, rtol=1e-11, atol=1e-13)


def test_components_are_what_a_latent_at_1_adds_before_the_output():
    model = network(Sigmoid(), 4, 3, 6, output=Sigmoid())
    V, c = (p.detach().numpy() for p in (model.decoder[0].weight, model.decoder[0].bias))
    U, d = (p.detach().numpy() for p in (model.decoder[1].weight, model.decoder[1].bias))
    inactive = np.maximum(c, 0) @ U + d
    wanted_LD = [np.maximum(V[latent] + c, 0) @ U + d - inactive for latent in range(6)]
    assert_allclose(inference.components(model), wanted_LD, rtol=1e-12, atol=1e-14)
    assert_allclose(inference.directions(model), wanted_LD * RATIO_D, rtol=1e-12, atol=1e-14)
    assert_allclose(inference.directions(model, [1, 2, 4, 8]), wanted_LD / np.array([0.25, 0.5, 1, 2]), rtol=1e-12)
    shallow = network(Sigmoid(), 4, 6)
    assert_array_equal(inference.components(shallow), shallow.decoder[0].weight.detach())
