"""Learning from noisy rows alone: hidden entries, estimates from the others, and what they tell of the error."""

import json

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

import taciturn
from taciturn import DenoisingAutoencoder, SparseAutoencoder, datasets, inference
from taciturn.core.errors import RecipeError
from taciturn.corruption import BlindSpot, Corruption, Gaussian, corrupted, neighbours
from taciturn.data.noise_level import noise_level
from taciturn.data.sources import Rows
from taciturn.data.split import split
from taciturn.report import Summary, compare
from taciturn.report.numbers.verdict import Circumstances, verdict
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
        ({"scaling": "whiten"}, {}, "needs columns with noise of their own, which scaling='whiten' mixes"),
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
    loaded = taciturn.load("run")
    held_out = split(300, 0.1, 0)[1]
    error, standard_error = loaded.denoising_error(digits[1][:300][held_out])
    told = f"denoised rows mean squared error {error:.4g} ± {standard_error:.2g}, estimated without clean rows"
    for text in (done, output_text(run("info", "run")), output_text(run("evaluate", "run"))):
        assert told in text
        assert "noise variance 0.16 (standard deviation 0.4)" in text
        assert "noise's variance of 0.16: of two models" in text  # what the error means
    numbers = json.loads(run("evaluate", "run", "--json").stdout)
    assert numbers["hidden"]["denoising_error"] == pytest.approx(error)
    assert numbers["fvu"] == pytest.approx(1 - loaded.score(digits[1][:300][held_out]))
    assert '"hidden": null' in run("evaluate", "run", "--corrupt", "gaussian:0.1", "--json").stdout
    report = (tmp_path / "run" / "report.json").read_text()
    for text in (done, report):
        assert "nearer to the clean rows" not in text
        assert "rain longer" not in text
    run("denoise", "run", "noisy.npy", "-o", "denoised.npy")
    assert_allclose(np.load("denoised.npy"), taciturn.load("run").denoise(digits[1][:300]), atol=1e-6)


# --- what a report tells ---------------------------------------------------------------------------------------------
def fvu(errors, rows):
    return np.square(errors).sum() / np.square(rows - rows.mean(0)).sum()


@pytest.fixture(scope="module")
def reported(model, digits):
    """A model, its report on noisy rows, and these rows and the estimates of their entries, scaled, in float64."""
    noisy = digits[1][1400:]
    module = inference.in_row_precision(model.module_, np.float64)
    x = module.scale_rows(torch.from_numpy(noisy.astype(np.float64)))
    with torch.no_grad():
        estimates = module.blind_spots.estimates(module, x).numpy()
    return model, model.report(noisy.astype(np.float64), training=digits[1][:1400]), x.numpy(), estimates


def test_a_report_judges_hidden_entries(reported, digits):
    model, report, x, estimates = reported
    scale, noisy = model.module_.scale.numpy(), digits[1][1400:].astype(np.float64)
    errors = estimates - x
    assert report.summary.fvu == pytest.approx(fvu(errors, x), rel=1e-9)
    assert 1 - model.score(noisy) == pytest.approx(fvu(errors, x), rel=1e-9)
    assert_allclose(model.reconstruction_errors(noisy), np.square(errors).mean(1), rtol=1e-9)
    assert_allclose([entry.error for entry in report.samples.first], np.square(errors).mean(1)[:10], rtol=1e-9)
    assert {entry.psnr_after for entry in report.samples.first} == {None}
    assert_allclose(report.pictures.sample_rows.reconstruction[0], model.denoise(noisy[:1])[0], rtol=1e-6)
    hidden, own = report.summary.hidden, np.square(errors * scale).mean(1)
    assert hidden.error == pytest.approx(own.mean(), rel=1e-9)
    assert hidden.standard_error == pytest.approx(own.std(ddof=1) / np.sqrt(len(own)), rel=1e-9)
    assert (hidden.denoising_error, hidden.denoising_standard_error) == pytest.approx(model.denoising_error(noisy))
    assert hidden.noise_share == pytest.approx(np.square(NOISE / scale).sum() / x.var(0).sum(), rel=1e-9)
    assert Summary.from_dict(report.summary.to_dict()) == report.summary


def test_clean_rows_judge_what_denoise_returns(model, digits):
    """With the clean rows as targets, and on clean rows under a noise that is named."""
    clean, noisy = (rows[1400:].astype(np.float64) for rows in digits)
    shift, scale = model.module_.shift.numpy(), model.module_.scale.numpy()
    errors = (model.denoise(noisy) - clean) / scale
    assert 1 - model.score(noisy, target=clean) == pytest.approx(fvu(errors, clean / scale), rel=1e-9)
    assert_allclose(model.reconstruction_errors(noisy, target=clean), np.square(errors).mean(1), rtol=1e-9)
    found = inference.evaluate(model.module_, Rows(clean), corruption=Gaussian(0.5))
    x = torch.from_numpy((clean - shift) / scale)
    received = corrupted(x, Gaussian(0.5), seed=0, purpose="evaluate").numpy() * scale + shift
    assert found.after.mean == pytest.approx(np.square((model.denoise(received) - clean) / scale).mean(), rel=1e-6)
    assert found.clean.mean == pytest.approx(np.square((model.denoise(clean) - clean) / scale).mean(), rel=1e-6)
    assert found.hidden == []


def test_principal_components_estimate_hidden_entries_too(reported, digits):
    """Expected: the conditional mean of scikit-learn's probabilistic PCA, the best number of components of all."""
    model, report, x, estimates = reported
    groups = model.module_.blind_spots.cover.numpy()
    training = (digits[1][:1400].astype(np.float64) - model.module_.shift.numpy()) / model.module_.scale.numpy()
    fitted, held = (training[indices] for indices in split(1400, 0.25, 0, "hidden"))

    def errors(size, rows):
        found, covariance = np.empty_like(rows), PCA(size).fit(fitted).get_covariance()
        for group in range(16):
            h, o = np.flatnonzero(groups == group), np.flatnonzero(groups != group)
            coefficients = np.linalg.solve(covariance[np.ix_(o, o)], covariance[np.ix_(o, h)])
            centred = rows - fitted.mean(0)
            found[:, h] = centred[:, h] - centred[:, o] @ coefficients
        return found

    best = min((1, 2, 4, 8, 16, 32), key=lambda size: np.square(errors(size, held)).sum())
    (pca,) = report.baselines.models
    assert (pca.name, pca.components, report.baselines.hidden) == ("PCA", best, True)
    # scikit-learn divides by N - 1, which changes no estimate
    assert pca.fvu == pytest.approx(fvu(errors(best, x), x), rel=1e-6)
    assert report.baselines.model == pytest.approx(fvu(estimates - x, x), rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("columns", [1, 2, 20])
def test_a_report_on_few_rows_and_columns(n, columns, digits):
    noisy = digits[1][:40, 20 : 20 + columns].astype(np.float64)
    model = DenoisingAutoencoder(4, corruption="blind_spot:0.2,noise=0.4", max_iter=1, random_state=0).fit(noisy)
    report = model.report(noisy[:n])
    assert (report.summary.hidden.standard_error is None) == (n == 1)
    json.loads(report.json())


def test_advice_is_for_noisy_rows(digits):
    noisy = digits[1][:200, :40]
    bad = DenoisingAutoencoder(2, corruption="blind_spot:0.2", max_iter=12, random_state=0).fit(
        noisy, validation=digits[1][200:300, :40]
    )
    report = bad.report(digits[1][300:900, :40], training=digits[1][:300, :40])
    text = " ".join(f"{warning.what} {warning.mend}" for warning in report.verdict.warnings)
    assert "PCA with" in text
    assert "predicts hidden entries as well or better" in text
    mend = "Try other numbers of latents (--latents, n_components=), or other numbers of epochs (--epochs, max_iter=)."
    assert f"{mend} The error of hidden entries is less for the better model." in text
    for wrong in ("reconstruct", "untrained", "use more noise", "clean rows"):
        assert wrong not in text
    # the training rows' loss falls where their noise is memorised: only that of held-out rows advises to go on
    falling = [2.0, 1.8, 1.6, 1.4, 1.2, 1.0]
    arguments = (report.neighbours, report.baselines, Circumstances({"max_iter": 5}, 100))
    known = verdict(report.summary, {"validation_loss": falling}, *arguments).warnings
    assert "still falling" in " ".join(warning.what for warning in known)
    unknown = verdict(report.summary, {"loss": falling}, *arguments).warnings
    assert "still falling" not in " ".join(warning.what for warning in unknown)


def test_a_comparison_ranks_models_of_noisy_rows_among_themselves(digits):
    noisy = digits[1][:300]
    few, many = (
        DenoisingAutoencoder(n, corruption="blind_spot:0.2", max_iter=20, random_state=0).fit(noisy) for n in (2, 16)
    )
    plain = DenoisingAutoencoder(16, max_iter=2, random_state=0).fit(noisy)
    rows = digits[1][300:600]
    best = compare({"few": few.to_artifact(), "many": many.to_artifact()}, Rows(rows))
    order = sorted([("few", few.score(rows)), ("many", many.score(rows))], key=lambda pair: pair[1])
    assert best.sentence.startswith(f"{order[-1][0]} predicts most of hidden entries: ")
    mixed = compare({"plain": plain.to_artifact(), "many": many.to_artifact()}, Rows(rows))
    assert mixed.sentence.startswith("Some runs were trained on noisy rows alone, so the errors are not of one kind")


def test_figures_name_noisy_rows(model, digits):
    noisy = digits[1][:3]
    figure = model.plot.reconstructions(noisy, shape=(8, 8))
    assert [axes.get_ylabel() for axes in figure.axes] == ["noisy", "", "", "denoised", "", ""]
    low, high = model.denoise(noisy).min(), model.denoise(noisy).max()
    drawn = np.asarray(figure.axes[0].images[0].get_array()).ravel()
    assert_allclose(drawn, ((noisy[0] - low) / (high - low)).clip(0, 1), atol=1e-5)


def test_the_page_says_what_the_error_is(page, reported, tmp_path):
    _, report, _, _ = reported
    report.save(tmp_path / "noisy.html")
    page.goto((tmp_path / "noisy.html").as_uri())
    section = page.inner_text("#hidden-errors")
    assert "plus the noise's variance of 0.16: of two models of the same rows" in section
    assert f"mean squared error {report.summary.hidden.estimate}, estimated without clean rows" in section
    assert "each entry from the others of its row" in page.inner_text("#baselines")
    text = page.inner_text("body")
    assert "PSNR" not in text
    assert "clean row," not in text
    assert page.inner_text("#try-it").endswith("a model that was trained with blind_spot denoises in many passes.")
