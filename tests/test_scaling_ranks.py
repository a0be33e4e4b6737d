"""The scaling by ranks: its tables against scikit-learn's QuantileTransformer and float64 NumPy, and what uses them."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer

from taciturn import DenoisingAutoencoder, SparseAutoencoder, load
from taciturn.core.errors import ArtifactError, ExtremeRows, RecipeError
from taciturn.data.moments import Moments, measure_moments
from taciturn.data.quantiles import measure_quantiles
from taciturn.data.sources import Rows
from taciturn.model import Autoencoder, Layout, RankGauss
from taciturn.model.coding_layers import Identity
from taciturn.model.rank_tables import interpolated, rank_tables

QUICK = {"max_iter": 2, "random_state": 0}


def table(n=3000, seed=0):
    """Rows of six kinds: normal, heavy-tailed, near 1e6 with a tiny spread, whole numbers, constant, 0 and 1."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.normal(size=n),
        rng.lognormal(0, 3, n),
        1e6 + 1e-3 * rng.normal(size=n),
        rng.integers(0, 10, n),
        np.full(n, 7.3),
        rng.random(n) < 0.3,
    ]
    return np.column_stack(columns).astype(np.float64)


def moments_of(x_ND, n=1000, target=False):
    moments = Moments().add(x_ND)
    moments.quantiles = measure_quantiles(Rows(x_ND), moments, n)
    return moments


def fitted(x_ND, n=1000, dtype=torch.float64):
    """A model in float64 with the scaling fitted to these rows."""
    moments = moments_of(x_ND, n)
    layout = Layout((x_ND.shape[1], 2), Identity(), quantiles=len(moments.quantiles))
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
    model = model.double() if dtype == torch.float64 else model
    model.set_scaling(RankGauss(n), moments)
    return model


def scaled(model, x_ND):
    return model.scale_rows(torch.as_tensor(x_ND)).numpy()


def transformer(x_ND, n=1000):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of more quantiles than rows
        return QuantileTransformer(n_quantiles=n, output_distribution="normal", subsample=None).fit(x_ND)


def expected_scores(x, at, n=1000):
    """The scores of values `at` of one column x, in float64, from the definition."""
    known = np.sort(x[~np.isnan(x)])
    if known[0] == known[-1]:
        return at - known[0]
    size = min(n, len(x), len(known))
    shares = np.arange(size) / (size - 1)
    quantiles = np.quantile(known, shares)
    quantiles = np.where(np.abs(quantiles - quantiles.round()) < 1e-9, quantiles.round(), quantiles)
    knots = np.unique(quantiles)
    middle = [(shares[quantiles == knot].min() + shares[quantiles == knot].max()) / 2 for knot in knots]
    scores = norm.ppf(np.clip(middle, 0.5 / len(known), 1 - 0.5 / len(known)))
    slope = (scores[-1] - scores[0]) / (knots[-1] - knots[0])
    inside = np.interp(at, knots, scores)
    return inside + slope * (np.minimum(at - knots[0], 0) + np.maximum(at - knots[-1], 0))


# --- the table -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n_rows", [150, 1000, 4321])
def test_quantiles_are_those_of_scikit_learn(n_rows):
    x_ND = table(n_rows)
    assert_allclose(moments_of(x_ND).quantiles, transformer(x_ND).quantiles_, rtol=1e-11, atol=1e-12)
    x_ND[::3, 1] = np.nan
    if n_rows // 3 * 2 >= 1000:  # of fewer known values we take as many quantiles as there are
        assert_allclose(moments_of(x_ND).quantiles, transformer(x_ND).quantiles_, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("n_rows", [150, 4321])
def test_scores_of_the_quantiles_are_those_of_scikit_learn(n_rows):
    """But for the ends, where scikit-learn's are ±5.2."""
    x_ND = table(n_rows)
    theirs, at = transformer(x_ND), moments_of(x_ND).quantiles[1:-1]
    theirs.quantiles_[1:-1] = at  # scikit-learn's have rounding errors, which part equal values
    compared = (at > x_ND.min(0)) & (at < x_ND.max(0))
    assert compared[:, [0, 1, 2]].all()
    assert compared[:, 3].mean() > 0.7  # whole numbers: tied quantiles
    ours = scaled(fitted(x_ND), at)
    assert np.abs(ours - theirs.transform(at))[compared].max() < 1e-6


@pytest.mark.parametrize("n_rows", [2, 3, 7, 150, 4321])
@pytest.mark.parametrize("n", [2, 10, 1000])
def test_scores_follow_the_definition(n_rows, n):
    x_ND = table(n_rows)
    model = fitted(x_ND, n)
    at = np.concatenate([x_ND, x_ND * 1.5 - 3, table(200, seed=1)])
    expected = np.column_stack([expected_scores(x_ND[:, d], at[:, d], n) for d in range(x_ND.shape[1])])
    # a column near 1e6 has six digits behind the point, of which the spread is 1e-3
    assert_allclose(scaled(model, at), expected, rtol=1e-6, atol=1e-6)


def test_hand_worked_scores():
    """Of 0, 0, 0, 1: quantiles 0, 0, 0, 1 at the shares 0, 1/3, 2/3, 1. Ends are 1/8 and 7/8."""
    model = fitted(np.array([[0.0], [1.0], [0.0], [0.0]]))
    first, last = norm.ppf([1 / 3, 7 / 8])
    found = scaled(model, np.array([[0.0], [1.0], [0.5], [2.0], [-1.0]]))[:, 0]
    assert_allclose(found, [first, last, (first + last) / 2, 2 * last - first, 2 * first - last], rtol=1e-12)


@pytest.mark.parametrize("n_rows", [150, 3000])
def test_normal_scores_have_mean_0_and_deviation_1(n_rows):
    x_ND = table(n_rows)[:, :3]
    scores = scaled(fitted(x_ND), x_ND)
    assert_allclose(scores.mean(0), 0, atol=1e-3)
    assert_allclose(scores.std(0), 1, atol=0.02)
    assert_allclose(scores.max(0), norm.ppf(1 - 0.5 / n_rows), rtol=1e-9)
    ends = [
        (theirs[[0, -1]] ** 2).sum() / (theirs**2).sum()
        for theirs in [np.sort(transformer(x_ND).transform(x_ND)[:, 0])]
    ]
    assert n_rows > 150 or ends[0] > 0.25  # why the ends are not scikit-learn's


def test_columns_of_one_value_are_only_centred():
    x_ND = np.column_stack([np.full(100, 7.3), np.where(np.arange(100) % 2, 0.3, 0.1 + 0.2), np.arange(100.0)])
    found = scaled(fitted(x_ND), np.array([[7.3, 0.3, 0.0], [9.3, 2.3, 0.0]]))
    assert_allclose(found[:, :2], [[0, 0], [2, 2]], atol=1e-12)
    # constant by the bound of Moments, though its values differ by more than their own rounding
    far = 1e6 + 4e-7 * (np.arange(1000.0) % 2)[:, None]
    assert moments_of(far).constant.all()
    assert_allclose(scaled(fitted(far), far + 2), 2, atol=1e-6)


def test_values_that_differ_by_rounding_are_equal():
    x = np.where(np.arange(100) < 50, 0.3, 0.1 + 0.2)
    x[:25] = 1.0
    exact = np.where(np.arange(100) < 25, 1.0, 0.3)
    assert_allclose(scaled(fitted(x[:, None]), x[:, None]), scaled(fitted(exact[:, None]), exact[:, None]), atol=1e-9)


def test_tiny_differences_are_kept_where_float64_has_them():
    """Values from 1e-12 to 1 of a log-uniform column keep their ranks."""
    x_ND = 10 ** np.random.default_rng(0).uniform(-12, 0, (2000, 1))
    scores = scaled(fitted(x_ND), x_ND)[:, 0]
    assert (np.diff(scores[np.argsort(x_ND[:, 0])]) > 0).all()
    smallest = np.array([[0.0], [5e-324], [1e-300]])
    assert np.isfinite(scaled(fitted(smallest), smallest)).all()


def test_a_column_with_fewer_known_values_than_quantiles():
    x_ND = table(500)
    x_ND[5:, 0] = np.nan
    x_ND[1:, 3] = np.nan
    model = fitted(x_ND)
    assert_allclose(scaled(model, x_ND)[:5, 0], expected_scores(x_ND[:, 0], x_ND[:5, 0]), rtol=1e-9)
    assert_array_equal(scaled(model, x_ND)[0, 3], 0)


def test_the_ends_are_the_least_and_the_greatest_of_all_rows(monkeypatch):
    monkeypatch.setattr("taciturn.data.quantiles.SAMPLE_ROWS", 50)
    monkeypatch.setattr("taciturn.data.quantiles.MIN_SAMPLE_ROWS", 50)
    x_ND = np.random.default_rng(0).lognormal(size=(4000, 2))
    quantiles = moments_of(x_ND, 20).quantiles
    assert_array_equal(quantiles[[0, -1]], [x_ND.min(0), x_ND.max(0)])
    assert_allclose(quantiles[1:-1], np.quantile(x_ND, np.linspace(0, 1, 20), axis=0)[1:-1], rtol=0.9)


# --- back ------------------------------------------------------------------------------------------------------
@settings(deadline=None, max_examples=200)
@given(st.data())
def test_the_table_can_be_undone_and_is_monotone(data):
    finite = st.floats(-1e12, 1e12, allow_nan=False)
    values = data.draw(st.lists(finite, min_size=2, max_size=60))
    few = data.draw(st.sampled_from([values, np.round(values, -9), np.sign(values), np.exp(np.clip(values, -40, 40))]))
    x_ND = np.asarray(few, np.float64)[:, None]
    model = fitted(x_ND, data.draw(st.integers(2, 80)))
    spread = np.ptp(x_ND)
    outside = data.draw(st.lists(st.floats(-5, 5), max_size=10))
    at = np.sort(np.concatenate([x_ND[:, 0], x_ND.mean() + spread * np.array(outside)]))[:, None]
    scores = scaled(model, at)
    assert np.isfinite(scores).all()
    assert (np.diff(scores[:, 0]) >= -1e-9).all()
    back = model.unscale_rows(torch.from_numpy(scores)).numpy()
    inside = (at >= x_ND.min()) & (at <= x_ND.max())
    size = np.abs(x_ND).max()
    assert_allclose(back[inside], at[inside], rtol=0, atol=1e-13 * size)
    assert_allclose(back, at, rtol=0, atol=1e-10 * (size + spread))


def test_rows_come_back_to_the_bit_or_nearly():
    x_ND = table()
    model = fitted(x_ND)
    back = model.unscale_rows(model.scale_rows(torch.from_numpy(x_ND))).numpy()
    assert_allclose(back, x_ND, rtol=1e-12, atol=1e-14)
    assert_array_equal(model.unscale_inputs(model.scale_rows(torch.from_numpy(x_ND))).numpy(), back)


def test_outliers_stay_outliers_and_come_back():
    x_ND = table()
    model = fitted(x_ND)
    far = x_ND.max(0) + np.ptp(x_ND, axis=0) * np.array([[1.0], [5.0], [1000.0]])
    far[:, 4] = 9.3
    scores = scaled(model, far)
    ends = scaled(model, x_ND).max(0)
    assert (scores[1] > scores[0]).sum() == (scores[0] > ends).sum() - 1 == 5
    assert_allclose(
        (scores - ends)[1:, [0, 1, 2]] / (scores - ends)[0, [0, 1, 2]], np.repeat([[5], [1000]], 3, 1), rtol=1e-6
    )
    assert_allclose(model.unscale_rows(torch.from_numpy(scores)), far, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8])
def test_every_type_of_rows_is_scaled_in_float64(dtype):
    x_ND = np.random.default_rng(0).integers(0, 250, (300, 3)).astype(dtype)
    model = fitted(x_ND.astype(np.float64), dtype=torch.float32)
    found = model.scale_rows(torch.from_numpy(x_ND))
    assert found.dtype == torch.float32
    assert found.is_contiguous()
    expected = scaled(fitted(x_ND.astype(np.float64)), x_ND.astype(np.float64))
    assert_array_equal(found, expected.astype(np.float32))
    assert_array_equal(model.unscale_rows(found).round(), x_ND)


def test_many_rows_are_scaled_in_parts(monkeypatch):
    x_ND = table()
    whole = scaled(fitted(x_ND), x_ND)
    monkeypatch.setattr("taciturn.model.scaled_module.PART_NUMBERS", 1000)
    assert_array_equal(scaled(fitted(x_ND), x_ND), whole)


def test_a_missing_value_enters_as_the_score_0():
    x_ND = table()
    model = fitted(x_ND)
    assert_allclose(model.mean[:3], np.median(moments_of(x_ND).quantiles, axis=0)[:3], rtol=1e-9)
    assert_allclose(model.mean[:3], np.median(x_ND, axis=0)[:3], rtol=1e-3)
    assert_allclose(model.scaled_mean, 0, atol=1e-9)
    holes = x_ND[:3].copy()
    holes[0, 1] = holes[2, 5] = np.nan
    found = scaled(model, holes)
    assert_allclose(found[[0, 2], [1, 5]], 0, atol=1e-9)
    known = ~np.isnan(holes)
    assert_array_equal(found[known], scaled(model, x_ND[:3])[known])
    assert np.isnan(model.scale_rows(torch.from_numpy(holes), complete=True).numpy()[~known]).all()


# --- mixed tables ----------------------------------------------------------------------------------------------
def test_columns_that_are_not_ranked_pass_to_the_bit():
    """Of a mixed table: one column is ranked, the others are only shifted and scaled, or left as they are."""
    x_ND = table()
    moments, ranked = moments_of(x_ND), np.arange(6) == 1
    shift, scale = np.where(ranked, 1.0, 0.0), np.ones(6)
    knots, scores = rank_tables(moments.quantiles, np.full(6, 3000.0), shift, scale, ranked)
    rng = np.random.default_rng(1)
    at = np.concatenate([x_ND, -x_ND, rng.normal(size=(500, 6)) * 10.0 ** rng.integers(-300, 300, (500, 6))])
    found = interpolated(torch.from_numpy(at - shift), torch.from_numpy(knots), torch.from_numpy(scores)).numpy()
    assert_array_equal(found[:, ~ranked], at[:, ~ranked])
    assert_allclose(found[:3000, 1], expected_scores(x_ND[:, 1], x_ND[:, 1]), rtol=1e-6, atol=1e-6)


def test_the_first_and_the_last_segment_go_on():
    knots, values = np.array([0.0, 1, 3, 4]), np.array([0.0, 2, 3, 10])
    at = np.linspace(-10, 20, 301)
    inside = np.interp(at, knots, values)
    expected = inside + 2 * np.minimum(at, 0) + 7 * np.maximum(at - 4, 0)
    for size in range(2, 5):  # of any number of corners
        found = interpolated(
            torch.from_numpy(at)[:, None], *(torch.from_numpy(c[None, :size]) for c in (knots, values))
        )
        same = at < knots[size - 1]
        assert_allclose(found[same, 0], expected[same], atol=1e-13)


# --- estimators ------------------------------------------------------------------------------------------------
def test_errors_are_in_standard_deviations_of_the_rows():
    x_ND = table()
    model = DenoisingAutoencoder(4, scaling="rank_gauss", **QUICK).fit(x_ND)
    unit = np.where(x_ND.std(0) > 1e-9, x_ND.std(0), 1)
    assert_allclose(model.module_.unit, unit, rtol=1e-9)
    errors = (model.denoise(x_ND) - x_ND) / unit
    assert_allclose(model.reconstruction_errors(x_ND), (errors**2).mean(1), rtol=1e-6)
    deviations = (x_ND - x_ND.mean(0)) / unit
    assert model.score(x_ND) == pytest.approx(1 - (errors**2).sum() / (deviations**2).sum(), rel=1e-6)
    assert_allclose(model.inverse_transform(model.transform(x_ND)), model.denoise(x_ND), rtol=1e-9)
    assert model.scaling_ == "each column's ranks as values of a normal distribution (1 constant column only centred)"


def test_the_network_gets_and_gives_scores():
    """Against the table and the layers in NumPy."""
    x_ND = table(400)
    model = SparseAutoencoder(5, scaling="rank_gauss", **QUICK).fit(x_ND)
    net = model.module_
    assert isinstance(net.layout.output, Identity)
    scores = np.column_stack([expected_scores(x_ND[:, d], x_ND[:, d]) for d in range(6)])
    weights = {name: value.double().numpy() for name, value in net.state_dict().items()}
    codes = 1 / (1 + np.exp(-(scores @ weights["encoder.0.weight"].T + weights["encoder.0.bias"])))
    assert_allclose(model.transform(x_ND), codes, atol=1e-6)
    output = codes @ weights["decoder.0.weight"] + weights["decoder.0.bias"]
    denoised = model.denoise(x_ND)
    for d in (0, 1, 2, 3, 5):
        again = expected_scores(x_ND[:, d], denoised[:, d])
        assert_allclose(again, output[:, d], atol=1e-5 if d == 2 else 1e-6)


def test_targets_have_tables_of_their_own():
    x_ND = table(500)
    target = x_ND[:, ::-1] ** 2
    model = DenoisingAutoencoder(4, scaling="rank_gauss", **QUICK).fit(x_ND, target=target)
    net = model.module_
    found = net.scale_targets(torch.from_numpy(target)).double().numpy()
    expected = np.column_stack([expected_scores(target[:, d], target[:, d]) for d in range(6)])
    assert_allclose(found[:, [0, 2, 5]], expected[:, [0, 2, 5]], atol=1e-6)
    errors = (model.denoise(x_ND) - target) / net.unit.numpy()
    assert_allclose(model.reconstruction_errors(x_ND, target=target), (errors**2).mean(1), rtol=1e-4)


def test_directions_are_compared_in_the_unit_of_the_columns():
    from taciturn.inference import directions

    x_ND = table(500)
    net = DenoisingAutoencoder(4, scaling="rank_gauss", **QUICK).fit(x_ND).module_
    unit = np.arange(1.0, 7.0)
    expected = net.dictionary.detach().numpy() * (net.target_scale / torch.from_numpy(unit)).numpy()
    assert_allclose(directions(net, unit), expected, rtol=1e-6)


def test_partial_fit_keeps_the_tables_of_the_first_rows():
    x_ND = table()
    model = DenoisingAutoencoder(4, scaling="rank_gauss:quantiles=50", random_state=0).partial_fit(x_ND[:1000])
    before = {name: tensor.clone() for name, tensor in model.module_.named_buffers()}
    assert_allclose(before["knots"], fitted(x_ND[:1000], 50).knots)
    weights = model.module_.dictionary.clone()
    description = model.scaling_
    model.partial_fit(100 * x_ND[1000:1010]).partial_fit(x_ND[:1])
    for name, tensor in model.module_.named_buffers():
        assert_array_equal(tensor, before[name])
    assert not torch.equal(model.module_.dictionary, weights)
    assert model.scaling_ == description
    assert model.n_iter_ == 3


def test_a_warm_start_keeps_the_tables():
    x_ND = table()
    model = DenoisingAutoencoder(4, scaling="rank_gauss", warm_start=True, **QUICK).fit(x_ND[:500])
    before = model.module_.knots.clone()
    model.fit(3 * x_ND)
    assert_array_equal(model.module_.knots, before)
    model.set_params(warm_start=False).fit(3 * x_ND)
    assert model.module_.knots.shape == (6, 1002)


REFUSED = [
    (
        lambda: DenoisingAutoencoder(2, scaling="rank_gauss").partial_fit(table(1)),
        "scaling='rank_gauss' is fitted to the first rows alone and needs 2 or more, best thousands; give more rows",
    ),
    (
        lambda: DenoisingAutoencoder(2, scaling="rank_gauss", corruption="blind_spot:0.2", **QUICK).fit(table()),
        "blind_spot:0.2 needs noise of mean 0 in scaled rows, but scaling='rank_gauss' bends it; set scaling='standard",
    ),
    (
        lambda: DenoisingAutoencoder(2, scaling="rank_gauss", loss="cross_entropy", **QUICK).fit(table()),
        r"cross_entropy needs rows in \[0, 1\], but normal scores lie on both sides of 0; set scaling='minmax' or",
    ),
    (
        lambda: DenoisingAutoencoder(2, scaling="rank_gauss:quantiles=1", **QUICK).fit(table()),
        r"rank_gauss: quantiles=1 lies outside \[2, 100000\]",
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=["one row", "blind spot", "cross-entropy", "one quantile"])
def test_what_it_cannot_do_is_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        call()
    assert "\n" not in str(caught.value)


def test_tables_of_very_many_columns_are_refused_with_a_mend_that_works(monkeypatch):
    monkeypatch.setattr("taciturn.estimators.resolve.rows.MAX_TABLE_NUMBERS", 60)
    x_ND = table(100)
    with pytest.raises(RecipeError, match="set scaling='rank_gauss:quantiles=10' or 'standard'"):
        DenoisingAutoencoder(2, scaling="rank_gauss", **QUICK).fit(x_ND)
    assert DenoisingAutoencoder(2, scaling="rank_gauss:quantiles=10", **QUICK).fit(x_ND).module_.knots.shape == (6, 12)
    monkeypatch.setattr("taciturn.estimators.resolve.rows.MAX_TABLE_NUMBERS", 10)
    with pytest.raises(RecipeError, match="limited to 10; set scaling='standard'"):
        DenoisingAutoencoder(2, scaling="rank_gauss", **QUICK).fit(x_ND)


def test_extreme_rows_are_not_warned_of_because_their_scores_are_not_extreme():
    x_ND = np.random.default_rng(0).normal(size=(1000, 6))
    x_ND[::100] *= 100
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExtremeRows)
        model = DenoisingAutoencoder(2, scaling="rank_gauss", **QUICK).fit(x_ND)
    assert np.abs(scaled(model.module_, x_ND)).max() < 3.5
    with pytest.warns(ExtremeRows):
        DenoisingAutoencoder(2, scaling="standard", **QUICK).fit(x_ND)


def test_a_saved_model_gives_the_same_bits_and_goes_on_with_the_same(tmp_path):
    x_ND = table(500)
    x_ND[::7, 0] = np.nan
    model = DenoisingAutoencoder(4, scaling="rank_gauss", random_state=0).partial_fit(x_ND)
    model.save(tmp_path / "run")
    loaded = load(tmp_path / "run")
    assert_array_equal(loaded.transform(x_ND), model.transform(x_ND))
    assert_array_equal(loaded.partial_fit(x_ND).denoise(x_ND), model.partial_fit(x_ND).denoise(x_ND))
    assert loaded.settings_ == model.settings_


@pytest.mark.parametrize("name", ["knots", "scores", "target_knots", "target_scores"])
def test_a_folder_whose_tables_do_not_ascend_is_refused(tmp_path, name):
    model = DenoisingAutoencoder(4, scaling="rank_gauss", **QUICK).fit(table(50))
    getattr(model.module_, name)[2, 5] = getattr(model.module_, name)[2, 4]
    model.save(tmp_path / "run")
    with pytest.raises(ArtifactError, match=f"'{name}' must ascend along each row; the file is damaged"):
        load(tmp_path / "run")


def test_sparse_rows_are_ranked_as_dense_ones():
    from scipy.sparse import csr_array

    dense = np.random.default_rng(0).poisson(0.5, (300, 8)).astype(np.float64)
    models = [SparseAutoencoder(4, scaling="rank_gauss", **QUICK).fit(rows) for rows in (dense, csr_array(dense))]
    assert_allclose(models[0].module_.knots, models[1].module_.knots, rtol=1e-12)
    assert_allclose(models[0].transform(dense), models[1].transform(csr_array(dense)), atol=1e-6)


def test_quantiles_of_a_source_on_disk(tmp_path):
    from taciturn.data.sources import open_path

    x_ND = table(700)
    np.save(tmp_path / "rows.npy", x_ND)
    source = open_path(tmp_path / "rows.npy")
    assert_array_equal(measure_quantiles(source, measure_moments(source), 1000), moments_of(x_ND).quantiles)


# --- other programs --------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def exported_model():
    return DenoisingAutoencoder((12, 6), scaling="rank_gauss", **QUICK).fit(table())


FORMATS = [("float32", "encode"), ("float64", "denoise"), ("float32", "decode")]


@pytest.mark.parametrize(("dtype", "what"), FORMATS)
def test_onnx_files_hold_the_tables(exported_model, dtype, what, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    exported_model.to_onnx(tmp_path / "model.onnx", what, dtype=dtype)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    agrees(exported_model, lambda name, x: session.run(None, {name: x})[0], dtype, what)


@pytest.mark.parametrize(("dtype", "what"), FORMATS)
def test_exported_programs_hold_the_tables(exported_model, dtype, what, tmp_path):
    exported_model.to_torch_export(tmp_path / "model.pt2", what, dtype=dtype)
    program = torch.export.load(tmp_path / "model.pt2").module()
    agrees(exported_model, lambda name, x: program(torch.from_numpy(x)).numpy(), dtype, what)


def agrees(model, compute, dtype, what):
    """A file computes what the estimator does, also for missing values and beyond the training rows' range."""
    x_ND = np.concatenate([table(200, seed=3), table(50, seed=4) + 5 * np.ptp(table(), axis=0)]).astype(dtype)
    x_ND[::5, 1] = np.nan
    name, x = ("rows", x_ND) if what != "decode" else ("codes", model.transform(x_ND))
    expected = {"encode": model.transform, "denoise": model.denoise, "decode": model.inverse_transform}[what](x)
    found = compute(name, x)
    assert found.dtype == np.dtype(dtype)
    if what == "encode":
        assert_allclose(found, expected, rtol=0, atol=1e-4 if dtype == "float32" else 1e-10)
        return
    unit = model.module_.target_scale.numpy()
    bound = 1e-3 if dtype == "float32" else 1e-9
    # float32 holds a value near 1e6 in steps of 1/16
    steps = np.finfo(dtype).eps * np.abs(expected)
    assert (
        np.abs(found - expected) <= bound * (unit + np.abs(expected - model.module_.target_shift.numpy())) + steps
    ).all()


def test_the_lines_of_numpy_hold_the_tables(exported_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = exported_model.to_npz("model.npz")
    X = np.concatenate([table(200, seed=3), table(50, seed=4) + 5 * np.ptp(table(), axis=0)])
    copy = X.copy()
    names = {"X": X}
    exec(lines, names)
    assert_array_equal(X, copy)
    assert_allclose(names["H"], exported_model.transform(X), rtol=0, atol=1e-9)
    deviation = exported_model.module_.target_scale.numpy()
    assert_allclose(names["Y"] / deviation, exported_model.denoise(X) / deviation, rtol=1e-9, atol=1e-7)


def test_unscaled_columns_are_not_changed_in_place_by_the_lines(tmp_path, monkeypatch):
    """Where shift and scale do nothing, S would be X itself."""
    monkeypatch.chdir(tmp_path)
    model = DenoisingAutoencoder(3, scaling="rank_gauss", **QUICK).fit(table())
    for name in ("shift", "target_shift"):
        getattr(model.module_, name).zero_()
    for name in ("scale", "target_scale"):
        getattr(model.module_, name).fill_(1)
    X = table(20, seed=5)
    copy = X.copy()
    exec(model.to_npz("model.npz"), {"X": X})
    assert_array_equal(X, copy)


def test_keras_is_refused_with_what_else_there_is(exported_model):
    pytest.importorskip("keras")
    message = "Keras has no layer for scaling='rank_gauss'; write an .onnx, .pt2 or .npz file, or fit with scaling="
    with pytest.raises(RecipeError, match=message):
        exported_model.to_keras()


def test_arrays_with_tables_are_read_from_the_folder_instead(exported_model, tmp_path):
    from taciturn import from_arrays

    exported_model.to_npz(tmp_path / "model.npz")
    with pytest.raises(RecipeError, match="cannot read a network with 'knots'; load the model's folder instead"):
        from_arrays(dict(np.load(tmp_path / "model.npz")))
