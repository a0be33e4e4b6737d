"""Learning from noisy rows alone: hidden entries, estimates from the others, and what they tell of the error."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import taciturn
from taciturn import DenoisingAutoencoder, SparseAutoencoder, datasets
from taciturn.core.errors import RecipeError
from taciturn.corruption import BlindSpot, Corruption, neighbours
from taciturn.data.noise_level import noise_level
from taciturn.data.sources import Rows
from taciturn.training.feed import Feed

NOISE = 0.4


@pytest.fixture(scope="module")
def digits():
    """Clean and noisy digits."""
    clean = datasets.load("digits").read(0, 1797).astype(np.float32)
    return clean, (clean + NOISE * np.random.default_rng(0).normal(size=clean.shape)).astype(np.float32)


@pytest.fixture(scope="module", params=[None, (8, 8)], ids=["table", "images"])
def model(request, digits):
    estimator = DenoisingAutoencoder(
        32, corruption=f"blind_spot:0.2,noise={NOISE}", max_iter=40, random_state=0, shape=request.param
    )
    return estimator.fit(digits[1][:1400])


# --- the noise -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [None, (4, 5), (2, 4, 3)])
def test_hidden_entries_have_other_values_and_only_they_are_judged(shape):
    width = 20 if shape is None else int(np.prod(shape))
    rows = np.random.default_rng(0).normal(size=(130, width)).astype(np.float32)
    feed = Feed(Rows(rows), torch.Tensor.float, 70, 3, BlindSpot(0.3, shape=shape))
    for batch in feed.epoch(0):
        assert_array_equal(batch.corrupted != batch.x, batch.judged)
        assert 0.25 < batch.judged.float().mean() < 0.35
        assert batch.target is batch.x
        if shape is None:  # values of the same column
            for column in range(width):
                assert np.isin(batch.corrupted[:, column], rows[:, column]).all()
        else:  # values of the same row
            for row, clean in zip(batch.corrupted.numpy(), batch.x.numpy(), strict=True):
                assert np.isin(row, clean).all()


@pytest.mark.parametrize("shape", [(8, 8), (1, 5), (3, 4, 3), (2, 2)])
def test_neighbours_are_the_pixels_around(shape):
    columns = neighbours(shape, 200, torch.Generator().manual_seed(0)).numpy()
    height, width, *colours = shape
    place = np.stack(np.unravel_index(np.arange(np.prod(shape)), shape))
    beside = np.stack(np.unravel_index(columns, shape))
    steps = beside - place[:, None]
    assert np.abs(steps[:2]).max() <= 1
    if colours:
        assert (steps[2] == 0).all()
    if min(height, width) > 1:
        assert np.abs(steps[:2]).sum(0).min() > 0
    inner = (1, 1, *[0] * len(colours))
    if height > 2 and width > 2:
        of_inner = columns[:, np.ravel_multi_index(inner, shape)]
        assert len(np.unique(of_inner)) == 8


def test_missing_entries_are_neither_judged_nor_handed_on():
    rows = np.random.default_rng(0).normal(size=(128, 6)).astype(np.float32)
    rows[::3, 2] = np.nan
    fill = torch.full((6,), 100.0)
    (batch,) = Feed(Rows(rows), torch.Tensor.float, 128, 0, BlindSpot(0.5), fill=fill, masked=True).epoch(0)
    unknown = batch.x == 100
    assert unknown.sum() == len(rows[::3])
    assert not (batch.judged & unknown).any()
    assert_array_equal(batch.corrupted == 100, unknown)


def test_texts():
    assert Corruption.parse("blind_spot:0.2,noise=auto") == BlindSpot(0.2, "auto")
    for text in ("blind_spot:0", "blind_spot:1", "blind_spot:0.2,noise=0", "blind_spot:0.2,noise=much"):
        with pytest.raises(RecipeError, match=r"blind_spot: (rate|noise)="):
            Corruption.parse(text)
    with pytest.raises(RecipeError, match="blind_spot cannot be joined with other noise"):
        Corruption.parse("blind_spot:0.2+gaussian:0.1")


# --- estimates -------------------------------------------------------------------------------------------------------
def test_an_estimate_does_not_depend_on_the_entry_itself_nor_on_other_rows(model, digits):
    module = model.module_
    x = module.scale_rows(torch.tensor(digits[1][:6]))
    with torch.no_grad():
        estimates = module.blind_spots.estimates(module, x)
        for column in (0, 9, 36, 63):
            other = x.clone()
            other[:, column] += 5
            changed = module.blind_spots.estimates(module, other)
            assert_array_equal(changed[:, column], estimates[:, column])
            assert (changed != estimates).any()
    assert_allclose(model.denoise(digits[1][:1]), model.denoise(digits[1][:6])[:1], atol=1e-6)


def test_the_join_has_the_weights_of_the_errors(model, digits):
    """Expected: the mean of estimate and noisy value, weighted by the inverse of their variances, in float64 NumPy."""
    module = model.module_
    spots, scale = module.blind_spots, module.scale.numpy()
    error, variance = spots.error.numpy(), (NOISE / scale) ** 2
    own = np.maximum(error - variance, 0)
    assert_allclose(spots.weight, own / error, rtol=1e-6)
    noisy = digits[1][1400:1450].astype(np.float64)
    x = torch.tensor((noisy - module.shift.numpy()) / scale).float()
    with torch.no_grad():
        estimate = spots.estimates(module, x).double().numpy() * scale + module.shift.numpy()
    expected = estimate + (own / error) * (noisy - estimate)
    assert_allclose(model.denoise(noisy), expected, rtol=1e-4, atol=1e-5)


def test_it_denoises_better_than_pca_and_tells_its_error(model, digits):
    from sklearn.decomposition import PCA

    clean, noisy = (rows[1400:] for rows in digits)
    true = np.square(model.denoise(noisy) - clean).mean()
    best_pca = min(
        np.square(pca.inverse_transform(pca.transform(noisy)) - clean).mean()
        for pca in (PCA(n).fit(digits[1][:1400]) for n in range(4, 16))
    )
    assert true < 0.85 * best_pca
    told, standard_error = model.denoising_error(noisy)
    assert 0 < standard_error < 0.1 * true
    assert abs(told - true) < 4 * standard_error


def test_without_a_known_noise_the_told_error_has_the_noise_in_it(digits):
    clean, noisy = digits
    model = DenoisingAutoencoder(32, corruption="blind_spot:0.2", max_iter=20, random_state=0).fit(noisy[:1400])
    assert not model.module_.blind_spots.weight.any()
    true = np.square(model.denoise(noisy[1400:]) - clean[1400:]).mean()
    told, standard_error = model.denoising_error(noisy[1400:])
    assert abs(told - true - NOISE**2) < 4 * standard_error


def test_the_noise_is_estimated_and_said(digits):
    model = DenoisingAutoencoder(8, corruption="blind_spot:0.2,noise=auto", max_iter=1, random_state=0).fit(digits[1])
    assert abs(model.settings_.corruption.noise / NOISE - 1) < 0.08
    assert "noise=0.4" in model.settings_.corruption.text


@pytest.mark.parametrize("std", [0.1, 1.0])
def test_the_level_of_noise_of_rows_of_low_rank(std):
    rng = np.random.default_rng(0)
    clean = rng.normal(size=(800, 4)) @ rng.normal(size=(4, 60)) + 5
    noisy = clean + std * rng.normal(size=clean.shape)
    assert abs(noise_level(noisy) / std - 1) < 0.05
    noisy[rng.random(noisy.shape) < 0.01] = np.nan
    assert abs(noise_level(noisy) / std - 1) < 0.05
    assert noise_level(clean[:, :3]) >= 0


def test_saved_and_trained_further(model, digits, tmp_path):
    noisy = digits[1]
    model.save(tmp_path / "model")
    loaded = taciturn.load(tmp_path / "model")
    assert_array_equal(loaded.denoise(noisy[:20]), model.denoise(noisy[:20]))
    before = loaded.module_.blind_spots.error.clone()
    loaded.partial_fit(noisy)
    assert not torch.equal(loaded.module_.blind_spots.error, before)
    assert np.isfinite(loaded.denoise(noisy[:20])).all()


def test_early_stopping_judges_hidden_entries_of_held_out_rows(digits):
    noisy = digits[1][:600]
    model = DenoisingAutoencoder(
        16, corruption="blind_spot:0.2", early_stopping=True, max_iter=3, scaling="none", random_state=0
    ).fit(noisy)
    # of hidden entries the noise cannot be learnt
    assert model.history_["validation_loss"][-1] > NOISE**2


def test_what_does_not_fit_is_refused(digits):
    clean, noisy = (rows[:50] for rows in digits)
    for parameters, arguments, words in (
        ({}, {"target": clean}, "learns from noisy rows alone; leave out target"),
        ({"scaling": "whiten"}, {}, "hides single columns, which scaling='whiten' mixes"),
    ):
        with pytest.raises(RecipeError, match=words):
            DenoisingAutoencoder(4, corruption="blind_spot:0.2", **parameters).fit(noisy, **arguments)
    plain = SparseAutoencoder(4, max_iter=1, random_state=0).fit(noisy)
    with pytest.raises(RecipeError, match="denoising_error needs an estimator that was trained with"):
        plain.denoising_error(noisy)


@pytest.mark.filterwarnings("always::taciturn.core.errors.TaciturnWarning")
def test_the_command_tells_the_error_and_claims_nothing_of_clean_rows(digits, tmp_path, monkeypatch):
    from commandline import output_text, run

    monkeypatch.chdir(tmp_path)
    np.save("noisy.npy", digits[1][:300])
    known = ["--corrupt", "blind_spot:0.2,noise=0.4"]
    done = output_text(run("fit", "noisy.npy", *known, "--latents", 8, "--epochs", 2, "-o", "run"))
    assert "squared error, estimated without clean rows (blind_spot:0.2,noise=0.4)" in done
    assert "nearer to the clean rows" not in done
    report = (tmp_path / "run" / "report.json").read_text()
    assert "nearer to the clean rows" not in report
    run("denoise", "run", "noisy.npy", "-o", "denoised.npy")
    assert_allclose(np.load("denoised.npy"), taciturn.load("run").denoise(digits[1][:300]), atol=1e-6)
