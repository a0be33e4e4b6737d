"""Errors and sparsity against NumPy in float64, whatever the block; evaluation of a small model."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from taciturn import encode
from taciturn.codes import Dense
from taciturn.corrupt import Gaussian, Masking
from taciturn.metrics import Sparsity, SquaredErrors, psnr
from taciturn.model import Autoencoder, Layout
from taciturn.schedules import Linear
from taciturn.seeds import generator
from taciturn.sources import Rows
from taciturn.sparsify import ReLU, Sigmoid, TopK

SPLITS = [[300], [1, 299], [100] * 3, [7] * 42 + [6]]


def pair(seed=0):
    """Rows of columns in different places, and poor reconstructions of them."""
    rng = np.random.default_rng(seed)
    x_ND = rng.normal(size=(300, 5)) * [1, 2, 0.1, 5, 1] + [0, 3, -7, 0, 1]
    return x_ND, x_ND + 0.3 * rng.normal(size=x_ND.shape) + 0.1


def streamed(x_ND, recon_ND, sizes=(300,), dtype=torch.float64):
    errors = SquaredErrors()
    for rows, recon in zip(*(np.split(a, np.cumsum(sizes)[:-1]) for a in (x_ND, recon_ND)), strict=True):
        errors.add(torch.tensor(rows, dtype=dtype), torch.tensor(recon, dtype=dtype))
    return errors


def numpy_fvu(x_ND, recon_ND):
    return ((x_ND - recon_ND) ** 2).sum() / ((x_ND - x_ND.mean(0)) ** 2).sum()


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


def test_fvu_is_no_mean_of_block_ratios():
    """Two blocks, each of rows that are all alike: within a block there is nothing to explain."""
    errors = streamed(np.array([[0.0], [0], [4], [4]]), np.array([[1.0], [1], [3], [3]]), [2, 2])
    assert errors.fvu == 4 / 16


@pytest.mark.parametrize("constant", [3.0, -1e4, 1e6])
def test_fvu_and_error_do_not_change_with_a_constant(constant):
    x_ND, recon_ND = pair()
    first, moved = streamed(x_ND, recon_ND), streamed(x_ND + constant, recon_ND + constant)
    assert moved.fvu == pytest.approx(first.fvu, rel=1e-8)
    assert moved.mean == pytest.approx(first.mean, rel=1e-8)
    assert moved.psnr == pytest.approx(first.psnr, rel=1e-8)


@pytest.mark.parametrize("factor", [1e-6, -2.0, 1e5])
def test_fvu_and_psnr_do_not_change_with_the_scale(factor):
    x_ND, recon_ND = pair()
    first, scaled = streamed(x_ND, recon_ND), streamed(factor * x_ND, factor * recon_ND)
    assert scaled.fvu == pytest.approx(first.fvu, rel=1e-11)
    assert scaled.psnr == pytest.approx(first.psnr, rel=1e-11)
    assert scaled.mean == pytest.approx(first.mean * factor**2, rel=1e-11)


def test_saying_the_mean_explains_nothing_and_perfection_everything():
    x_ND, _ = pair()
    assert streamed(x_ND, np.broadcast_to(x_ND.mean(0), x_ND.shape).copy()).fvu == pytest.approx(1, rel=1e-12)
    perfect = streamed(x_ND, x_ND)
    assert (perfect.fvu, perfect.mean, perfect.psnr) == (0, 0, math.inf)


@pytest.mark.parametrize("constant", [0.0, 0.1, 7.3])
@pytest.mark.parametrize("sizes", [[10], [3, 7]], ids=str)
def test_rows_that_are_all_alike_have_nothing_to_explain(sizes, constant):
    x_ND = np.full((10, 2), constant)
    assert streamed(x_ND, x_ND, sizes).fvu == 0
    missed = streamed(x_ND, x_ND + 0.5, sizes)
    assert missed.fvu == math.inf
    assert missed.psnr == -math.inf
    assert missed.mean == pytest.approx(0.25, rel=1e-14)


def test_float32_rows_are_summed_in_float64():
    """10,000 errors of 1e-4 beside one of 1e4: a float32 sum would lose them."""
    x_ND = np.zeros((10001, 1))
    x_ND[1::2] = 1
    recon_ND = x_ND + 0.01
    recon_ND[0] += 100
    found = streamed(x_ND, recon_ND, [1, 10000], torch.float32)
    x32, recon32 = x_ND.astype(np.float32).astype(float), recon_ND.astype(np.float32).astype(float)
    assert found.mean == pytest.approx(((x32 - recon32) ** 2).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("error", "peak", "wanted"), [(0.01, 1, 20), (1, 10, 20), (4, 2, 0), (0, 1, math.inf), (1, 0, -math.inf)]
)
def test_psnr_by_hand(error, peak, wanted):
    assert psnr(error, peak) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("sizes", [[4], [1, 3], [2, 2]], ids=str)
def test_sparsity_is_streamed(sizes):
    codes_BL = np.array([[0.0, 1, 0], [0, 2, -3], [0, 0, 0], [0, 5, 1]])
    sparsity = Sparsity()
    for block in np.split(codes_BL, np.cumsum(sizes)[:-1]):
        codes = Dense(torch.tensor(block))
        sparsity.add(codes, codes.fired())
    assert sparsity.rows == 4
    assert_array_equal(sparsity.rates, [0, 2, -0.5])
    assert_array_equal(sparsity.firing, [0, 0.75, 0.5])
    assert sparsity.l0 == 1.25


def network(coder, *widths, **layout):
    rng = torch.Generator().manual_seed(0)
    model = Autoencoder(Layout(widths, coder, **layout), rng=rng).double()
    with torch.no_grad():
        for layer in (*model.encoder, *model.decoder):
            layer.bias.copy_(0.3 * torch.randn(layer.bias.shape, generator=rng))
        model.shift.fill_(2.0)
        model.scale.fill_(4.0)
    return model


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
    monkeypatch.setattr(encode, "ENTRIES", entries)
    model = network(coder, 4, 6)
    rows_ND = np.random.default_rng(0).normal(size=(50, 4)) * 4 + 2
    x_ND = (rows_ND - 2) / 4
    codes_NL = numpy_codes(model, x_ND)
    found = encode.evaluate(model, Rows(rows_ND))
    assert found.clean.fvu == pytest.approx(numpy_fvu(x_ND, numpy_recon(model, x_ND)), rel=1e-11)
    assert found.clean.mean == pytest.approx(((numpy_recon(model, x_ND) - x_ND) ** 2).mean(), rel=1e-11)
    assert_allclose(found.sparsity.rates, codes_NL.mean(0), rtol=1e-12)
    assert_allclose(found.sparsity.firing, (codes_NL > least).mean(0), rtol=1e-15)
    assert found.sparsity.l0 == pytest.approx((codes_NL > least).sum(1).mean(), rel=1e-13)
    assert found.before is None
    assert found.after is None


@pytest.mark.parametrize("entries", [1 << 22, 48])
@pytest.mark.parametrize("corruption", [Gaussian(0.5), Gaussian(Linear(3, 0.5))], ids=str)
def test_evaluation_of_corrupted_rows_is_numpys(monkeypatch, corruption, entries):
    """Noise in scaled units, drawn in blocks of 64 rows however many are read at a time, at the schedule's end."""
    monkeypatch.setattr(encode, "ENTRIES", entries)
    model = network(Sigmoid(), 4, 6)
    rows_ND = np.random.default_rng(0).normal(size=(150, 4)) * 4 + 2
    x_ND = (rows_ND - 2) / 4
    drawn = [
        torch.randn(n, 4, generator=generator(5, "evaluate", 0, block), dtype=torch.float64).numpy()
        for block, n in enumerate([64, 64, 22])
    ]
    seen_ND = x_ND + 0.5 * np.concatenate(drawn)
    found = encode.evaluate(model, Rows(rows_ND), corruption=corruption, seed=5)
    assert found.before.mean == pytest.approx(((seen_ND - x_ND) ** 2).mean(), rel=1e-12)
    assert found.before.fvu == pytest.approx(numpy_fvu(x_ND, seen_ND), rel=1e-12)
    assert found.after.mean == pytest.approx(((numpy_recon(model, seen_ND) - x_ND) ** 2).mean(), rel=1e-11)
    assert found.clean.mean == pytest.approx(((numpy_recon(model, x_ND) - x_ND) ** 2).mean(), rel=1e-11)
    assert_allclose(found.sparsity.rates, numpy_codes(model, x_ND).mean(0), rtol=1e-12)  # of the clean rows


def test_the_same_seed_gives_the_same_noise():
    model, rows = network(Sigmoid(), 4, 6), Rows(np.random.default_rng(0).normal(size=(150, 4)))
    means = [encode.evaluate(model, rows, corruption=Masking(0.5), seed=seed).before.mean for seed in (1, 1, 2)]
    assert means[0] == means[1]
    assert means[0] != means[2]


class Counting(Rows):
    """Remembers how many rows were read at a time."""

    def __init__(self, array):
        super().__init__(array)
        self.sizes = []

    def read(self, start, stop):
        self.sizes.append(stop - start)
        return super().read(start, stop)


@pytest.mark.parametrize(
    ("widths", "sizes"), [((4, 6), [256, 44]), ((4, 24, 6), [64] * 4 + [44]), ((4, 9999), [64] * 4 + [44])], ids=str
)
def test_blocks_are_bounded_by_the_widest_array(monkeypatch, widths, sizes):
    """As many times 64 rows, the unit of noise, as 24 · 64 entries hold, and at least one."""
    monkeypatch.setattr(encode, "ENTRIES", 24 * 64)
    model = network(Sigmoid(), *widths)
    source = Counting(np.random.default_rng(0).normal(size=(300, 4)))
    codes_NL = torch.cat([codes.dense() for codes in encode.encode(model, source)])
    assert source.sizes == sizes
    monkeypatch.setattr(encode, "ENTRIES", 1 << 22)
    [whole] = encode.encode(model, source)
    assert_allclose(codes_NL, whole.dense(), rtol=1e-13)


def test_denoising_decoding_and_errors_are_numpys(monkeypatch):
    monkeypatch.setattr(encode, "ENTRIES", 48)
    model = network(Sigmoid(), 4, 6)
    rng = np.random.default_rng(0)
    rows_ND, target_ND = rng.normal(size=(20, 4)) * 4 + 2, rng.normal(size=(20, 4))
    x_ND = (rows_ND - 2) / 4
    recon_ND = numpy_recon(model, x_ND)
    assert_allclose(np.concatenate(list(encode.denoise(model, Rows(rows_ND)))), recon_ND * 4 + 2, rtol=1e-12)
    assert_allclose(encode.decode(model, numpy_codes(model, x_ND)), recon_ND * 4 + 2, rtol=1e-12)
    found = torch.cat(list(encode.errors(model, Rows(rows_ND))))
    assert_allclose(found, recon_ND - x_ND, rtol=1e-11, atol=1e-13)
    found = torch.cat(list(encode.errors(model, Rows(rows_ND), Rows(target_ND))))
    assert_allclose(found, recon_ND - (target_ND - 2) / 4, rtol=1e-11, atol=1e-13)


def test_components_are_what_a_latent_at_1_adds_before_the_output():
    model = network(Sigmoid(), 4, 3, 6, output=Sigmoid())
    V, c = (p.detach().numpy() for p in (model.decoder[0].weight, model.decoder[0].bias))
    U, d = (p.detach().numpy() for p in (model.decoder[1].weight, model.decoder[1].bias))
    silent = np.maximum(c, 0) @ U + d
    wanted_LD = [np.maximum(V[latent] + c, 0) @ U + d - silent for latent in range(6)]
    assert_allclose(encode.components(model), wanted_LD, rtol=1e-12, atol=1e-14)
    shallow = network(Sigmoid(), 4, 6)
    assert_array_equal(encode.components(shallow), shallow.decoder[0].weight.detach())
