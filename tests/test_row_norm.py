"""Scalings that a few extreme rows do not move: each row by its own length, and each column by median and quartiles."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import RobustScaler

from taciturn import AutoencoderOutlierDetector, DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder, load
from taciturn.core.errors import ArtifactError, DataError, ExtremeRows, RecipeError
from taciturn.corruption import Gaussian, Missing, corrupted
from taciturn.data.extreme_rows import share_of_largest
from taciturn.data.moments import Moments
from taciturn.data.quantiles import measure_lengths, measure_quantiles
from taciturn.data.sources import Rows
from taciturn.inference import Units, evaluate
from taciturn.model import Robust, RowNorm, row_norm_instead
from taciturn.training.extreme_errors import warn_of_extreme_errors

QUICK = {"max_iter": 3, "random_state": 0}
FORMS = ["row_norm", "row_norm:per_column=true", "row_norm:clip=1.5", "row_norm:clip=0.8,per_column=true"]


def table(n=400, seed=0):
    """Rows of lengths from 1 to 100 around an offset, in columns of different ranges [n, 5]."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(n, 5))
    return z * np.geomspace(1, 100, n)[rng.permutation(n), None] * [1, 2, 1, 0.5, 3] + [7, -3, 100, 0, 1]


def expected(x_ND, scaling, training=None):
    """Scaled rows, their lengths, the shift and the divisor of each column, by NumPy in float64 with missing values."""
    training = x_ND if training is None else training
    low, shift, high = np.nanpercentile(training, [25, 50, 75], axis=0)
    own = (high - low) / 1.3489795003921634 if scaling.per_column else np.ones_like(shift)

    def lengths(rows):
        return np.sqrt(rows.shape[1] * np.nanmean(((rows - shift) / own) ** 2, axis=1, keepdims=True))

    scale = own * np.median(lengths(training)) / np.sqrt(x_ND.shape[1])
    ratio = lengths(x_ND) / np.median(lengths(training))
    factor = np.maximum(ratio, 1e-3) if scaling.clip is None else np.maximum(ratio / scaling.clip, 1)
    return np.nan_to_num((x_ND - shift) / scale / factor), factor, shift, scale


def normalised(x_ND, centre):
    """Rows by layer normalisation and their lengths and means, by NumPy in float64 with missing values."""
    means = np.nanmean(x_ND, axis=1, keepdims=True) * centre
    z = x_ND - means
    lengths = np.sqrt(np.nanmean(z**2, axis=1, keepdims=True))
    lengths = lengths * np.sqrt(5 / 4) + 1e-5 if centre else lengths
    return np.nan_to_num(z / lengths), lengths, means


def fitted(scaling, x_ND=None, estimator=DenoisingAutoencoder, **parameters):
    return estimator(4, scaling=scaling, **QUICK | parameters).fit(table() if x_ND is None else x_ND)


# --- layer normalisation ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_layer_norm_is_the_formula(centre, dtype):
    x_ND = table().astype(dtype)
    estimator = fitted(f"layer_norm:centre={str(centre).lower()}", x_ND)
    model = estimator.module_.double()
    rows, lengths, means = normalised(x_ND.astype(np.float64), centre)
    scaled, own = model.scaled_and_lengths(torch.from_numpy(x_ND))
    assert_allclose(scaled, rows, rtol=1e-6, atol=1e-6)
    assert_allclose(own, np.hstack([lengths, means])[:, : 1 + centre], rtol=1e-6)
    assert_allclose(model.unscale_rows(scaled, own), x_ND, rtol=1e-6)
    assert_allclose(model.unscale_rows(scaled), rows * lengths.mean() + means.mean(), rtol=1e-6, atol=1e-6)


def test_missing_values_under_layer_norm():
    x_ND = table()
    x_ND[::3, 1] = np.nan
    model = fitted("layer_norm", x_ND).module_.double()
    rows = normalised(x_ND, True)[0]
    assert_allclose(model.scale_rows(torch.from_numpy(x_ND)), rows, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("estimator", [DenoisingAutoencoder, SparseAutoencoder])
def test_layer_norm_is_undone_everywhere(estimator, tmp_path):
    """Errors, scores and reports are in the units of rows; targets are divided as their rows are; files agree."""
    x_ND = table()
    model = fitted("layer_norm", x_ND, estimator)
    assert_allclose(model.denoise(x_ND + 100), model.denoise(x_ND) + 100, atol=1e-2)
    model.save(tmp_path / "model")
    assert_array_equal(load(tmp_path / "model").denoise(x_ND), model.denoise(x_ND))
    unit = model.module_.unit.numpy()
    error = evaluate(model.module_, Rows(x_ND)).clean.mean
    assert_allclose(error, np.square((model.denoise(x_ND) - x_ND) / unit).mean(), rtol=1e-4)
    shifted = fitted("layer_norm", x_ND, estimator, max_iter=1, corruption="none")
    partners = fitted("layer_norm", x_ND, estimator, max_iter=1, corruption="none").fit(x_ND, target=x_ND)
    assert_allclose(partners.transform(x_ND), shifted.transform(x_ND), rtol=1e-5)


def test_layer_norm_of_one_column_is_refused():
    with pytest.raises(RecipeError, match="two columns or more"):
        fitted("layer_norm", table()[:, :1])


# --- the numbers -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scaling", FORMS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scaled_rows_and_lengths_are_the_formula(scaling, dtype):
    x_ND = table().astype(dtype)
    model = fitted(scaling, x_ND).module_
    rows, factor, shift, scale = expected(x_ND.astype(np.float64), RowNorm.parse(scaling))
    scaled, lengths = model.double().scaled_and_lengths(torch.from_numpy(x_ND))
    assert_allclose(scaled, rows, rtol=1e-6, atol=1e-6)
    assert_allclose(lengths, factor, rtol=1e-6)
    assert_allclose((model.shift, model.scale), (shift, scale), rtol=1e-6, atol=1e-6)
    assert_allclose(model.unscale_inputs(scaled, lengths), x_ND, rtol=1e-6, atol=1e-5)


def test_all_rows_get_one_length_and_clipped_ones_no_more_than_it():
    x_ND = table()
    for scaling, bounds in (("row_norm", (1, 1)), ("row_norm:clip=2", (0, 2))):
        norms = fitted(scaling).module_.double().scale_rows(torch.from_numpy(x_ND)).norm(dim=1) / np.sqrt(5)
        assert bounds[0] - 1e-9 <= norms.min() < 1 + 1e-9
        assert norms.max() == pytest.approx(bounds[1], rel=1e-9)


def test_a_row_of_zeros_stays_and_one_of_nearly_zeros_is_lengthened_a_thousandfold():
    x_ND = np.random.default_rng(0).normal(size=(300, 4))
    model = fitted("row_norm", x_ND)
    centre, median = model.module_.shift.numpy(), model.module_.scale.numpy() * 2  # √4
    tiny = centre + 1e-7 * median[0] * np.array([0.6, 0.8, 0, 0])
    scaled = model.module_.double().scale_rows(torch.from_numpy(np.stack([centre, tiny])))
    assert_array_equal(scaled[0], np.zeros(4))
    assert_allclose(scaled[1], 1e-7 * 1e3 * 2 * np.array([0.6, 0.8, 0, 0]), rtol=1e-6)
    assert np.isfinite(model.denoise(np.stack([centre, tiny]))).all()
    zeros = fitted("row_norm", np.zeros((50, 4)))  # no row has a length
    assert np.abs(zeros.denoise(np.zeros((2, 4)))).max() < 1e-4


def test_lengths_of_rows_with_missing_values_are_those_of_the_known_ones():
    x_ND = table()
    x_ND[np.random.default_rng(1).random(x_ND.shape) < 0.2] = np.nan
    x_ND[3] = np.nan
    x_ND[:5, 2] = 100
    model = fitted("row_norm", x_ND).module_.double()
    rows, factor, *_ = expected(x_ND, RowNorm())
    scaled, lengths = model.scaled_and_lengths(torch.from_numpy(x_ND))
    assert_allclose(scaled, rows, rtol=1e-9, atol=1e-9)
    assert_allclose(lengths, factor, rtol=1e-9)
    assert_array_equal(model.mean, model.shift)


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.ExtremeRows")
def test_robust_columns_are_those_of_scikit_learn():
    x_ND = table()
    x_ND[::100] *= 1e4
    model = fitted("robust", x_ND).module_
    scaler = RobustScaler(unit_variance=True).fit(x_ND)
    assert_allclose(model.shift, scaler.center_, rtol=1e-12)
    assert_allclose(model.scale, scaler.scale_, rtol=1e-12)
    assert_array_equal(model.mean, model.shift)
    assert_allclose(model.double().scale_rows(torch.from_numpy(x_ND)), scaler.transform(x_ND), rtol=1e-9, atol=1e-9)


def test_columns_whose_quartiles_are_equal_have_the_standard_deviation():
    x_ND = np.random.default_rng(0).poisson(0.05, (500, 3)).astype(float)
    x_ND[:, 2] = 7
    moments = Moments().add(x_ND)
    moments.quantiles = measure_quantiles(Rows(x_ND), moments, Robust.n_quantiles)
    shift, scale = Robust().fit(moments)
    assert_allclose(scale, [*x_ND[:, :2].std(0), 1])
    assert shift.tolist() == [0, 0, 7]
    assert "1 constant column only centred" in Robust().description(moments)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_quartiles_of_very_few_rows_are_those_of_numpy(n):
    x_ND = np.random.default_rng(n).normal(size=(n, 3))
    moments = Moments().add(x_ND)
    moments.quantiles = measure_quantiles(Rows(x_ND), moments, Robust.n_quantiles)
    assert_allclose(Robust().fit(moments)[0], np.median(x_ND, axis=0), rtol=1e-12)


def test_lengths_are_those_of_a_sample_of_very_many_rows(monkeypatch):
    x_ND = table(3000)
    median, mean = measure_lengths(Rows(x_ND), np.zeros(5), np.ones(5))
    norms = np.linalg.norm(x_ND, axis=1)
    assert (median, mean) == pytest.approx((np.median(norms), norms.mean()))
    monkeypatch.setattr("taciturn.data.quantiles.SAMPLE_ROWS", 2000)
    sampled = measure_lengths(Rows(x_ND), np.zeros(5), np.ones(5))
    assert sampled != (median, mean)
    assert sampled == pytest.approx((median, mean), rel=0.05)


# --- training and denoising ------------------------------------------------------------------------------------
@pytest.mark.parametrize("scaling", FORMS)
def test_denoised_rows_and_errors_are_the_layers_times_the_rows_own_lengths(scaling):
    x_ND = table()
    model = fitted(scaling, corruption="gaussian:0.3")
    rows, factor, shift, scale = expected(x_ND, RowNorm.parse(scaling))
    net = {name: value.double().numpy() for name, value in model.module_.state_dict().items()}
    codes = np.maximum(rows @ net["encoder.0.weight"].T + net["encoder.0.bias"], 0)
    denoised = (codes @ net["decoder.0.weight"] + net["decoder.0.bias"]) * factor * scale + shift
    assert_allclose(model.transform(x_ND), codes, atol=1e-9)
    assert_allclose(model.denoise(x_ND), denoised, rtol=1e-9, atol=1e-9)
    assert_allclose(model.module_.double()(torch.from_numpy(x_ND)).detach(), denoised, rtol=1e-9, atol=1e-9)
    squares = ((denoised - x_ND) / x_ND.std(0)) ** 2
    assert_allclose(model.reconstruction_errors(x_ND), squares.mean(1), rtol=1e-6)
    assert_allclose(model.reconstruction_errors(x_ND, per="column"), squares.mean(0), rtol=1e-6)
    spread = (((x_ND - x_ND.mean(0)) / x_ND.std(0)) ** 2).sum()
    assert model.score(x_ND) == pytest.approx(1 - squares.sum() / spread, rel=1e-6)


def test_codes_are_decoded_at_the_mean_length_of_the_training_rows():
    x_ND = table()
    model = fitted("row_norm")
    centre = np.median(x_ND, axis=0)
    lengths = np.linalg.norm(x_ND - centre, axis=1)
    ratio = (model.inverse_transform(model.transform(x_ND)) - centre) / (model.denoise(x_ND) - centre)
    assert_allclose(ratio, np.repeat((lengths.mean() / lengths)[:, None], 5, 1), rtol=1e-6)
    clipped = fitted("row_norm:clip=2")
    kept = lengths <= 2 * np.median(lengths)
    assert 0.1 < kept.mean() < 0.9
    own = clipped.inverse_transform(clipped.transform(x_ND))
    assert_allclose(own[kept], clipped.denoise(x_ND)[kept], rtol=1e-6, atol=1e-9)


def test_a_longer_row_has_the_same_codes_and_a_longer_reconstruction():
    model = fitted("row_norm", estimator=DictionaryAutoencoder, k=2)
    x_ND, centre = table(50, seed=1), model.module_.shift.numpy()
    longer = centre + 17 * (x_ND - centre)
    assert_allclose(model.transform(longer).toarray(), model.transform(x_ND).toarray(), rtol=1e-9, atol=1e-12)
    assert_allclose(model.denoise(longer) - centre, 17 * (model.denoise(x_ND) - centre), rtol=1e-9, atol=1e-9)


def test_targets_are_divided_by_the_lengths_of_their_rows():
    x_ND, target = table(), 50 - 3 * table()[:, ::-1]
    paired = DenoisingAutoencoder(4, scaling="row_norm", **QUICK).fit(x_ND, target=target)
    _, factor, *_ = expected(x_ND, RowNorm())
    _, _, shift, scale = expected(target, RowNorm())
    feed = paired._learner._feed(Rows(x_ND), Rows(target))
    x, y = feed.sample(len(x_ND), torch.Generator().manual_seed(0))
    assert_allclose(x, expected(x_ND, RowNorm())[0], rtol=1e-5, atol=1e-5)
    assert_allclose(y, (target - shift) / scale / factor, rtol=1e-5, atol=1e-5)
    batches = list(feed.epoch(0))
    seen = torch.cat([batch.target for batch in batches])
    assert_allclose(seen.sort(0).values, y.sort(0).values, rtol=1e-6)
    errors = (paired.denoise(x_ND) - target) / target.std(0)
    assert_allclose(paired.reconstruction_errors(x_ND, target=target), (errors**2).mean(1), rtol=1e-6)
    assert paired.score(x_ND, target=target) > paired.score(x_ND)


@pytest.mark.parametrize("noise", [Gaussian(0.5), Missing(0.3)])
def test_a_corrupted_row_is_divided_by_its_own_length_as_a_noisy_row_is(noise):
    """What the network gets in training is what it gets for the same noisy row when it denoises."""
    x_ND = table()
    model = fitted("row_norm", corruption=noise.text)
    net, learner = model.module_.double(), model._learner
    batch = next(iter(learner._feed(Rows(x_ND)).validation_batches()))
    clean, factor, *_ = expected(x_ND, RowNorm())
    assert_allclose(batch.x, clean[: len(batch.x)], rtol=1e-5, atol=1e-5)
    rows = torch.from_numpy(x_ND[: len(batch.x)])
    ratio = (batch.target.norm(dim=1, keepdim=True) / batch.x.norm(dim=1, keepdim=True)).double()
    noisy = net.unscale_inputs(batch.corrupted.double() / ratio, torch.from_numpy(factor[: len(batch.x)]))
    if isinstance(noise, Missing):
        changed = (batch.corrupted == 0) & (batch.x != 0)
        assert 0.2 < changed.double().mean() < 0.4
        noisy = rows.masked_fill(changed, torch.nan)
    again, lengths = net.scaled_and_lengths(noisy)
    assert_allclose(again, batch.corrupted, rtol=1e-4, atol=1e-4)
    assert_allclose(lengths, factor[: len(batch.x)] / ratio.numpy(), rtol=1e-4)


def test_the_error_under_noise_is_that_of_denoised_noisy_rows():
    x_ND = table()
    model = fitted("row_norm", corruption="gaussian:0.5")
    found = evaluate(model.module_, Rows(x_ND), corruption=Gaussian(0.5), seed=7)
    net = model.module_.double()
    scaled, lengths = net.scaled_and_lengths(torch.from_numpy(x_ND))
    noisy = net.unscale_inputs(corrupted(scaled, Gaussian(0.5), seed=7, purpose="evaluate"), lengths).numpy()
    for metric, rows in ((found.before, noisy), (found.after, model.denoise(noisy))):
        assert metric.mean == pytest.approx((((rows - x_ND) / x_ND.std(0)) ** 2).mean(), rel=1e-6)


def test_directions_are_what_latents_add_to_a_row_of_the_median_length():
    model = fitted("row_norm").module_.double()
    rows = torch.eye(4, dtype=torch.float64)
    added = rows @ model.dictionary
    unit = torch.from_numpy(np.arange(1.0, 6.0))
    assert_allclose(Units(model, unit).directions(added).detach(), (added * model.scale / unit).detach(), rtol=1e-12)


def test_partial_fit_and_a_warm_start_keep_centre_and_median_length():
    for scaling in ("row_norm", "robust"):
        x_ND = table(1000)
        model = DenoisingAutoencoder(4, scaling=scaling, random_state=0).partial_fit(x_ND[:400])
        before, text = {name: tensor.clone() for name, tensor in model.module_.named_buffers()}, model.scaling_
        weights = model.module_.dictionary.clone()
        model.partial_fit(5 * x_ND[400:]).partial_fit(x_ND[:1])
        model.set_params(warm_start=True, max_iter=1).fit(3 + x_ND)
        for name, tensor in model.module_.named_buffers():
            assert_array_equal(tensor, before[name])
        assert not torch.equal(model.module_.dictionary, weights)
        assert model.scaling_ == text
        model.set_params(warm_start=False).fit(3 + x_ND)
        assert not torch.equal(model.module_.shift, before["shift"])


def test_partial_fit_begins_with_one_row():
    model = DenoisingAutoencoder(4, scaling="row_norm", random_state=0).partial_fit(table(1))
    assert np.isfinite(model.partial_fit(table()).denoise(table())).all()


@pytest.mark.parametrize("scaling", ["row_norm", "row_norm:clip=2,per_column=true", "robust"])
def test_a_saved_model_gives_the_same_bits_and_goes_on_with_the_same(tmp_path, scaling):
    x_ND = table()
    x_ND[::7, 0] = np.nan
    model = DenoisingAutoencoder(4, scaling=scaling, random_state=0).partial_fit(x_ND)
    model.save(tmp_path / "run")
    loaded = load(tmp_path / "run")
    codes = model.transform(x_ND)
    assert_array_equal(loaded.transform(x_ND), codes)
    assert_array_equal(loaded.inverse_transform(codes), model.inverse_transform(codes))
    assert_array_equal(loaded.partial_fit(x_ND).denoise(x_ND), model.partial_fit(x_ND).denoise(x_ND))
    assert (loaded.settings_, loaded.scaling_) == (model.settings_, model.scaling_)


def test_a_folder_with_a_length_of_zero_is_refused(tmp_path):
    model = fitted("row_norm")
    model.module_.row_lengths[1] = 0
    model.save(tmp_path / "run")
    with pytest.raises(ArtifactError, match="'row_lengths' must be greater than 0; the file is damaged"):
        load(tmp_path / "run")


def test_an_outlier_detector_takes_it():
    x_ND = table()
    x_ND[0] = 1e5
    detector = AutoencoderOutlierDetector(scaling="row_norm", random_state=0, max_iter=3).fit(x_ND)
    assert np.argmin(detector.score_samples(x_ND)) == 0


# --- a few rows that carry the error -------------------------------------------------------------------------
def with_extremes(factor, share=0.01, n=1000):
    """Six factors in 20 columns; some rows are so many times as long. Rows, and which are long."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n, 6)) @ rng.normal(size=(6, 20)) + 0.3 * rng.normal(size=(n, 20))
    long = np.zeros(n, bool)
    long[rng.choice(n, round(share * n), replace=False)] = True
    rows[long] *= factor
    return rows, long


def test_the_share_of_the_largest_errors_is_that_of_numpy():
    errors = np.random.default_rng(0).lognormal(sigma=2, size=1000)
    errors[::7] = np.nan
    share, largest = share_of_largest(errors)
    known = np.sort(errors[~np.isnan(errors)])
    n = round(0.01 * len(known))
    assert share == pytest.approx(known[-n:].sum() / known.sum())
    assert_array_equal(np.flatnonzero(largest), np.sort(np.argsort(np.nan_to_num(-errors))[:n]))
    for errors in (np.ones(99), np.zeros(1000), np.full(1000, np.nan)):
        assert share_of_largest(errors) is None


def test_rows_that_carry_the_error_are_warned_of_with_a_mend_that_works():
    """1% of rows × 10 hold half of the variance: no warning before the training, but one after it, with its numbers."""
    rows, long = with_extremes(10)
    parameters = {"max_iter": 20, "random_state": 0, "corruption": None}
    with pytest.warns(ExtremeRows) as caught:
        model = DenoisingAutoencoder(3, scaling="none", **parameters).fit(rows)
    assert len(caught) == 1
    text = str(caught[0].message)
    squares = np.square(model.denoise(rows) - rows).sum(1)
    order = np.argsort(-squares)
    few, others = order[:10], rows[order[10:]]
    fvu = squares[order[10:]].sum() / np.square(others - others.mean(0)).sum()
    carried = squares[few].sum() / squares.sum()
    assert carried > 0.5
    assert text == (
        f"1% of the rows carry {carried:.0%} of the squared error, and {1 - fvu:.0%} of the other rows' variance is "
        "reconstructed; set scaling='row_norm', under which each row counts the same, or leave those rows out"
    )
    mended = DenoisingAutoencoder(3, scaling="row_norm", **parameters).fit(rows)  # without a warning

    def score(of):
        ordinary = rows[~long]
        errors = np.square(of.denoise(ordinary) - ordinary).sum()
        return 1 - errors / np.square(ordinary - ordinary.mean(0)).sum()

    assert score(mended) > score(model) + 0.01


@pytest.mark.parametrize("scaling", ["none", "standard", "robust"])
def test_there_is_one_warning_where_the_variance_is_already_that_of_a_few(scaling):
    rows, _ = with_extremes(100)
    rows[:, 0] *= 50
    with pytest.warns(ExtremeRows, match="hold 95% of the columns' variance, so that the other rows hardly") as caught:
        fitted(scaling, rows)
    assert len(caught) == 1
    mend = "set scaling='row_norm', " if scaling == "none" else "set scaling='row_norm:per_column=true', "
    assert mend in str(caught[0].message)


def test_nothing_is_warned_of_where_the_others_are_reconstructed_or_no_row_is_long():
    rows, _ = with_extremes(10)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExtremeRows)
        DenoisingAutoencoder(
            20, scaling="none", activation="identity", max_iter=60, random_state=0, corruption=None
        ).fit(rows)
        SparseAutoencoder(3, scaling="none", **QUICK).fit(with_extremes(1)[0])
        for scaling in FORMS:
            fitted(scaling, with_extremes(100)[0])


@pytest.mark.parametrize(("left", "warned"), [(0.2, False), (0.24, True)])
def test_the_others_are_reconstructed_badly_from_a_twentieth_of_their_variance_on(left, warned):
    """Of a model that leaves a share of each row: 0.2² of the variance, or 0.24²."""
    x_ND = torch.from_numpy(with_extremes(30)[0])
    model = fitted("none", with_extremes(1)[0]).module_
    model.predicted = lambda x: (1 - left) * x
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_extreme_errors(model, x_ND, x_ND)
    assert len(caught) == warned


def test_other_scalings_are_named_by_the_divisors_of_columns():
    assert row_norm_instead(np.array([1.0, 9.0])) == RowNorm()
    assert row_norm_instead(np.array([1.0, 11.0])) == RowNorm(per_column=True)


# --- what it cannot do -----------------------------------------------------------------------------------------
REFUSED = {
    "blind spot": (
        lambda: fitted("row_norm", corruption="blind_spot:0.2"),
        "blind_spot:0.2 needs entries with noise of their own, but scaling='row_norm' mixes a row's; set scaling=",
    ),
    "clip": (lambda: fitted("row_norm:clip=0"), r"row_norm: clip=0 lies outside \(0, inf\)"),
    "flag": (lambda: fitted("row_norm:per_column=3"), "row_norm: per_column=3 "),
    "cross-entropy": (
        lambda: fitted("row_norm", loss="cross_entropy"),
        r"cross_entropy needs rows in \[0, 1\], but rows around medians lie on both sides of 0; set scaling='minmax'",
    ),
    "category": (
        lambda: fitted("row_norm", mixed()),
        "scaling='row_norm' acts on whole rows, but the table has booleans or categories; set scaling='standard'",
    ),
}


def mixed():
    import pandas as pd

    return pd.DataFrame({"size": np.arange(20.0), "colour": ["red", "blue"] * 10})


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_cannot_do_is_refused_in_one_line(name):
    call, message = REFUSED[name]
    with pytest.raises((RecipeError, DataError), match=f"^{message}") as caught:
        call()
    assert "\n" not in str(caught.value)


def test_robust_scales_the_numbers_of_a_table_with_categories():
    rows = mixed()
    model = fitted("robust", rows)
    assert model.module_.shift[0] == 9.5
    assert_allclose(model.module_.scale[0], 9.5 / 1.3489795003921634)
    assert list(model.denoise(rows).columns) == ["size", "colour"]


# --- other programs --------------------------------------------------------------------------------------------
PROGRAMS = [("float32", "encode"), ("float64", "denoise"), ("float32", "denoise"), ("float32", "decode")]


@pytest.fixture(scope="module", params=["row_norm", "row_norm:clip=1.2,per_column=true", "robust"])
def exported_model(request):
    return DictionaryAutoencoder(12, k=3, scaling=request.param, **QUICK).fit(table())


def agrees(model, compute, dtype, what):
    """A file computes what the estimator does, also for missing values, zeros and rows longer than any before."""
    x_ND = np.concatenate([table(100, seed=3), 50 * table(20, seed=4), model.module_.shift.numpy()[None]]).astype(dtype)
    x_ND[::5, 1] = np.nan
    name, x = ("rows", x_ND) if what != "decode" else ("codes", model.transform(x_ND).toarray())
    found = compute(name, x)
    result = {"encode": model.transform, "denoise": model.denoise, "decode": model.inverse_transform}[what](x)
    result = result.toarray() if what == "encode" else result
    assert found.dtype == np.dtype(dtype)
    bound = 2e-4 if dtype == "float32" else 1e-9
    size = 1 if what == "encode" else np.abs(result).max(1, keepdims=True)
    assert (np.abs(found - result) <= bound * size).all()


@pytest.mark.parametrize(("dtype", "what"), PROGRAMS)
def test_onnx_files_hold_the_lengths(exported_model, dtype, what, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    exported_model.to_onnx(tmp_path / "model.onnx", what, dtype=dtype)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    agrees(exported_model, lambda name, x: session.run(None, {name: x})[0], dtype, what)


@pytest.mark.parametrize(("dtype", "what"), PROGRAMS)
def test_exported_programs_hold_the_lengths(exported_model, dtype, what, tmp_path):
    exported_model.to_torch_export(tmp_path / "model.pt2", what, dtype=dtype)
    program = torch.export.load(tmp_path / "model.pt2").module()
    agrees(exported_model, lambda name, x: program(torch.from_numpy(x)).numpy(), dtype, what)


def test_the_lines_of_numpy_hold_the_lengths(exported_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X = np.concatenate([table(100, seed=3), 50 * table(20, seed=4)])
    names = {"X": X}
    exec(exported_model.to_npz("model.npz"), names)
    assert_allclose(names["H"], exported_model.transform(X).toarray(), rtol=0, atol=1e-9)
    assert_allclose(names["Y"], exported_model.denoise(X), rtol=1e-9, atol=1e-9)


def test_keras_and_arrays_refuse_it_with_what_else_there_is(tmp_path):
    from taciturn import from_arrays

    model = fitted("row_norm")
    model.to_npz(tmp_path / "model.npz")
    with pytest.raises(RecipeError, match="cannot read a network with 'row_lengths'; load the model's folder instead"):
        from_arrays(dict(np.load(tmp_path / "model.npz")))
    pytest.importorskip("keras")
    with pytest.raises(RecipeError, match="Keras has no layer for scaling='row_norm'; write an "):
        model.to_keras()
