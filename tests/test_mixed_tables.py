"""Tables with booleans, categories and dates: each variable has its own scaling, output, error and noise."""

import os
import tempfile
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import HealthCheck, event, given, settings
from scipy.special import expit, log_softmax, softmax
from sklearn.decomposition import PCA
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV

import taciturn
from taciturn import DenoisingAutoencoder, DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import DataError, RecipeError, TaciturnError
from taciturn.core.recipe import Recipe
from taciturn.core.seeds import generator
from taciturn.corruption import Clean, Corruption, VariableNoise
from taciturn.data.moments import Moments
from taciturn.data.variables import EncodedRows
from taciturn.metrics import VariableErrors, denoising_scorer
from taciturn.model import (
    Autoencoder,
    Batch,
    Layout,
    Pass,
    Standard,
    VariableScaling,
    VariableTargets,
    VariableUnits,
    best_constants,
)
from taciturn.model.coding_layers import ByVariable, Tanh
from taciturn.objective import VariableError
from test_any_table import tables

FITS = int(os.environ.get("TACITURN_EXAMPLES", "15"))
LEVELS = (0, 2, 3, 0, 0, 1, 1, 4, 4)
WIDTHS = tuple(max(each, 1) for each in LEVELS)
OUTPUT = ByVariable(LEVELS)
PLACES = np.split(np.arange(sum(WIDTHS)), np.cumsum(WIDTHS)[:-1])
RNG = np.random.default_rng(0)
LOGITS = torch.from_numpy(2 * RNG.normal(size=(7, sum(WIDTHS))))


def encoded(n=7, rng=RNG):
    """Return rows of these levels: numbers, 0 or 1, and one column of 1 for each category."""
    parts = [
        rng.normal(size=(n, 1))
        if each == 0
        else np.eye(max(each, 2))[rng.integers(0, max(each, 2), n)][:, -WIDTHS[v] :]
        for v, each in enumerate(LEVELS)
    ]
    return np.hstack(parts)


TARGET = torch.from_numpy(encoded())


def losses_by_numpy(logits, target):
    """Return the loss of each variable [B, V] in float64, one variable at a time."""
    losses = []
    for levels, place in zip(LEVELS, PLACES, strict=True):
        z, x = logits[:, place], target[:, place]
        if levels == 0:
            losses.append((z - x)[:, 0] ** 2)
        elif levels == 1:
            p = expit(z[:, 0])
            losses.append(-(x[:, 0] * np.log(p) + (1 - x[:, 0]) * np.log(1 - p)))
        else:
            losses.append(-(x * log_softmax(z, axis=1)).sum(1))
    return np.array(losses).T


def test_the_output_is_the_identity_the_sigmoid_or_the_softmax():
    output = OUTPUT.activate(LOGITS).numpy()
    for levels, place in zip(LEVELS, PLACES, strict=True):
        expected = {0: lambda z: z, 1: expit}.get(levels, lambda z: softmax(z, axis=1))(LOGITS.numpy()[:, place])
        np.testing.assert_allclose(output[:, place], expected, rtol=1e-13)


def test_its_gradient_is_autograds():
    logits, up = LOGITS.clone().requires_grad_(), torch.from_numpy(RNG.normal(size=LOGITS.shape))
    output = OUTPUT.activate(logits)
    (output * up).sum().backward()
    np.testing.assert_allclose(OUTPUT.gradient(output.detach(), up), logits.grad, rtol=1e-12, atol=1e-14)


def test_the_bias_starts_at_the_shares_of_the_levels():
    shares = torch.tensor([0.3, 0.2, 0.8, 0.5, 0.3, 0.2, 7.0, -2.0, 0.9, 0.1, *[0.25] * 8], dtype=torch.float64)
    np.testing.assert_allclose(OUTPUT.activate(OUTPUT.inverse(shares)[None])[0], shares, rtol=1e-12)


def test_losses_and_their_gradient():
    logits = LOGITS.clone().requires_grad_()
    losses = OUTPUT.losses(logits, TARGET)
    np.testing.assert_allclose(losses.detach(), losses_by_numpy(LOGITS.numpy(), TARGET.numpy()), rtol=1e-12)
    losses.sum().backward()
    written = OUTPUT.losses_gradient(OUTPUT.activate(LOGITS), TARGET)
    np.testing.assert_allclose(written, logits.grad, rtol=1e-11, atol=1e-14)


def test_a_category_without_a_level_has_no_loss_and_no_gradient():
    target = TARGET.clone()
    target[0, PLACES[2]] = 0
    logits = LOGITS.clone().requires_grad_()
    losses = OUTPUT.losses(logits, target)
    losses.sum().backward()
    assert losses[0, 2] == 0
    assert not logits.grad[0, PLACES[2]].any()
    assert not OUTPUT.losses_gradient(OUTPUT.activate(LOGITS), target)[0, PLACES[2]].any()


@pytest.mark.parametrize("levels", [(), [0, 1], (0, -1), (True,), (1.0,)])
def test_levels_are_whole_numbers(levels):
    with pytest.raises(RecipeError, match="by_variable: levels="):
        ByVariable(levels)


def a_pass(judged=None):
    model = Autoencoder(
        Layout((len(LOGITS[0]), 5), Tanh(), output=OUTPUT), rng=torch.Generator().manual_seed(0)
    ).double()
    batch = Batch(TARGET, TARGET, TARGET, judged=judged)
    pre, codes = model.pre_and_codes(batch.x, model.layout.coder)
    return Pass(model, batch, model.layout.coder, pre, codes, LOGITS.clone().requires_grad_(), torch.zeros(5))


def test_the_error_is_the_mean_over_variables_of_losses_over_the_best_constants():
    best = tuple(map(float, RNG.uniform(0.5, 2, len(LEVELS))))
    term, p = VariableError(LEVELS, best), a_pass()
    expected = (losses_by_numpy(LOGITS.numpy(), TARGET.numpy()) / best).mean()
    assert term(p).item() == pytest.approx(expected, rel=1e-12)
    (3 * term(p)).backward()
    number, gradient = term.value_and_gradient(p, 3.0)
    assert number.item() == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient.detach(), p.logits.grad, rtol=1e-11, atol=1e-15)


def test_missing_variables_are_not_judged():
    known = RNG.random((7, len(LEVELS))) < 0.6
    judged = torch.from_numpy(np.repeat(known, WIDTHS, axis=1))
    term = VariableError(LEVELS, (1.0,) * len(LEVELS))
    expected = losses_by_numpy(LOGITS.numpy(), TARGET.numpy())[known].mean()
    assert term(a_pass(judged)).item() == pytest.approx(expected, rel=1e-12)


def test_each_variable_is_scaled_to_variance_1():
    X = encoded(500)
    moments = Moments().add(X)
    shift, scale = VariableScaling(LEVELS).fit(moments)
    scaled = (X - shift) / scale
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose([scaled[:, place].var(0).sum() for place in PLACES], 1)
    shift, scale = VariableTargets(LEVELS).fit(moments)
    numbers = np.repeat(LEVELS, WIDTHS) == 0
    assert not shift[~numbers].any()
    assert (scale[~numbers] == 1).all()
    np.testing.assert_allclose(scale[numbers], X[:, numbers].std(0))


def test_the_best_constants():
    X = encoded(300)
    best = best_constants(VariableTargets(LEVELS, Standard()), Moments().add(X))
    for levels, place, number in zip(LEVELS, PLACES, best, strict=True):
        x = X[:, place]
        constant = np.repeat(x.mean(0)[None], len(x), 0)
        expected = (
            1.0
            if levels == 0
            else log_loss(x[:, 0] if levels == 1 else x.argmax(1), constant[:, 0] if levels == 1 else constant)
        )
        assert number == pytest.approx(expected, rel=1e-9)
    unit = VariableUnits(LEVELS, Standard()).fit(Moments().add(X))[1]
    np.testing.assert_allclose(unit[PLACES[2]] ** 2, best[2])


def noise(text, n=640):
    X = torch.from_numpy(encoded(n))
    corrupted = VariableNoise(Corruption.parse(text), WIDTHS).in_blocks(X, np.arange(10, dtype=np.uint64), 64)
    return X, corrupted


def test_swapped_categories_come_whole_from_another_row():
    X, corrupted = noise("swap:0.3")
    for levels, place in zip(LEVELS, PLACES, strict=True):
        if levels > 1:
            assert (corrupted[:, place].sum(1) == 1).all()
            changed = (corrupted[:, place] != X[:, place]).any(1).double().mean()
            assert changed == pytest.approx(0.3 * (1 - 1 / levels), abs=0.06)


@pytest.mark.parametrize("text", ["missing:0.3", "masking:0.3", "dropout:0.3", "gaussian:0.1+missing:0.3"])
def test_a_variable_is_replaced_in_all_its_columns(text):
    X, corrupted = noise(text)
    gone = corrupted.isnan() if "missing" in text else (corrupted == 0) & (X != 0)
    for levels, place in zip(LEVELS, PLACES, strict=True):
        rows = gone[:, place].any(1)
        if "missing" in text:
            assert (gone[:, place].all(1) == rows).all()
            assert rows.double().mean() == pytest.approx(0.3, abs=0.06)
        elif levels > 1:
            assert not corrupted[:, place][rows].any()


@pytest.mark.parametrize("text", ["swap:0.3", "masking:0.2", "missing:0.2", "dropout:0.2", "gaussian:0.2"])
def test_numbers_get_the_noise_that_they_have_without_categories(text):
    x, plain, keys = torch.rand(64, 5), Corruption.parse(text), np.arange(1, dtype=np.uint64)
    expected = plain(x, torch.Generator().manual_seed(3))
    corrupted = VariableNoise(plain, (1,) * 5)(x, torch.Generator().manual_seed(3))
    np.testing.assert_array_equal(corrupted, expected)
    assert VariableNoise(plain, (1,) * 5).text == text
    assert Recipe.from_dict(VariableNoise(plain, (1,) * 5).to_dict()) == VariableNoise(plain, (1,) * 5)
    assert len(keys) == 1


def people(n=600, seed=0):
    """Return a table whose variables depend on two numbers."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 2))
    near = z + 0.2 * rng.normal(size=(n, 2))
    colours = np.array(["red", "blue", "green", "grey"])
    return pd.DataFrame(
        {
            "height": z[:, 0] - z[:, 1],
            "age": (40 + 10 * near[:, 1]).round().astype("int64"),
            "member": near[:, 0] > 0,
            "colour": pd.Categorical(colours[np.digitize(near[:, 1], [-1, 0, 1])]),
            "town": np.where(near.sum(1) > 0, "Rome", "Oslo"),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta((100 * near[:, 0]).round(), unit="D"),
        },
        index=[f"r{i}" for i in range(n)],
    )


PEOPLE = people()
QUICK = {"max_iter": 20, "random_state": 0}


@pytest.fixture(scope="module")
def model():
    return DenoisingAutoencoder(8, corruption="swap:0.2", **QUICK).fit(PEOPLE)


def test_the_result_is_a_table_of_the_same_columns_types_and_index(model):
    denoised = model.denoise(PEOPLE)
    pd.testing.assert_series_equal(denoised.dtypes, PEOPLE.dtypes)
    pd.testing.assert_index_equal(denoised.index, PEOPLE.index)
    for name in ("member", "colour", "town"):
        assert (denoised[name].astype(str) == PEOPLE[name].astype(str)).mean() > 0.9
    codes = pd.DataFrame(model.transform(PEOPLE), index=PEOPLE.index)
    pd.testing.assert_frame_equal(model.inverse_transform(codes), denoised)
    assert model.inverse_transform(codes.to_numpy()).index.tolist() == list(range(600))


def test_score_is_the_mean_over_variables_of_one_minus_loss_over_the_best_constants(model):
    X, variables = model.variables_.source(PEOPLE).read(0, 600), model.variables_
    network = model.module_.double()
    with torch.no_grad():
        out = network(torch.from_numpy(X)).numpy()
    shares = []
    for levels, place in zip(variables.levels, variables.positions, strict=True):
        x, y = X[:, place], out[:, place]
        if levels == 0:
            shares.append(((x - y) ** 2).mean() / x.var())
        else:
            true, guess = (x[:, 0], y[:, 0]) if levels == 1 else (x.argmax(1), y)
            best = np.repeat(x.mean(0)[None], len(x), 0)
            shares.append(log_loss(true, guess) / log_loss(true, best[:, 0] if levels == 1 else best))
    network.float()
    assert model.score(PEOPLE) == pytest.approx(1 - np.mean(shares), abs=1e-5)
    np.testing.assert_allclose(model.reconstruction_errors(PEOPLE, per="column"), shares, rtol=1e-4)
    rows = model.reconstruction_errors(PEOPLE)
    assert rows.mean() == pytest.approx(np.mean(shares), rel=1e-4)
    np.testing.assert_array_equal(model.score_samples(PEOPLE), -rows)


@pytest.mark.parametrize("noise", ["swap:0.3", "gaussian:0.4"])
def test_the_denoising_scorer_is_the_mean_over_variables_of_losses_of_noisy_rows(model, noise):
    rows, variables = PEOPLE.iloc[:100].copy(), model.variables_
    rows.iloc[3, 0] = np.nan  # its errors do not count
    X = variables.source(rows).read(0, 100)
    scale = np.array([np.sqrt(np.nanvar(X[:, p], 0).sum()) if p.stop - p.start > 1 else 1 for p in variables.positions])
    scale = np.repeat(scale, [max(k, 1) for k in variables.levels])
    single = np.repeat([k < 2 for k in variables.levels], [max(k, 1) for k in variables.levels])
    scale = np.where(single, np.nanstd(X, 0), scale)
    mean = np.nanmean(X, 0)
    scaled = torch.from_numpy((X - mean) / scale)
    kind = VariableNoise(Corruption.parse(noise), tuple(max(k, 1) for k in variables.levels))
    blocks = [kind(scaled[i : i + 64], generator(7, "score", 0, i // 64)) for i in (0, 64)]
    noisy = np.where(np.isnan(X), np.nan, torch.cat(blocks).numpy() * scale + mean)
    out, shares = model.denoise(EncodedRows(noisy, variables)), []
    for levels, place in zip(variables.levels, variables.positions, strict=True):
        known = ~np.isnan(X[:, place.start])
        x, y = X[known, place], out[known, place]
        if levels == 0:
            shares.append(((x - y) ** 2).mean() / x.var())
        else:
            true, guess = (x[:, 0], y[:, 0]) if levels == 1 else (x.argmax(1), y)
            best = np.repeat(x.mean(0)[None], len(x), 0)
            shares.append(log_loss(true, guess) / log_loss(true, best[:, 0] if levels == 1 else best))
    assert denoising_scorer(noise, seed=7)(model, rows) == pytest.approx(1 - np.mean(shares), rel=1e-9)


def test_the_denoising_scorer_without_noise_is_the_score(model):
    assert denoising_scorer(Clean())(model, PEOPLE) == pytest.approx(model.score(PEOPLE), rel=1e-9)
    dates = PEOPLE[["height", "day"]]
    of_dates = DenoisingAutoencoder(2, **QUICK).fit(dates)
    assert denoising_scorer(Clean())(of_dates, dates) == pytest.approx(of_dates.score(dates), rel=1e-9)


def test_the_denoising_scorer_chooses_among_corruptions_of_a_table():
    grid = {"corruption": [None, "swap:0.4"]}
    model = DenoisingAutoencoder(24, max_iter=40, random_state=0)
    search = GridSearchCV(model, grid, cv=2, scoring=denoising_scorer("swap:0.4"), refit=False).fit(PEOPLE)
    assert search.best_params_ == {"corruption": "swap:0.4"}


def test_the_denoising_scorer_refuses_what_it_cannot_encode(model):
    with pytest.raises(RecipeError, match=r"salt_pepper:0.1 makes no sense for booleans and categories"):
        denoising_scorer("salt_pepper:0.1")(model, PEOPLE)
    with pytest.raises(DataError, match=r"numbers alone, and PCA does not tell .*; score an estimator of taciturn"):
        denoising_scorer("swap:0.1")(PCA(2), PEOPLE)


def test_a_mean_model_scores_0():
    errors = VariableErrors(ByVariable((0, 1, 2)), np.ones(3))
    X = torch.from_numpy(
        np.column_stack(
            [RNG.normal(size=50), np.eye(2)[RNG.integers(0, 2, 50)][:, 0], np.eye(2)[RNG.integers(0, 2, 50)]]
        )
    )
    errors.add(X, X.mean(0).expand_as(X))
    assert errors.fvu == pytest.approx(1)


def test_a_level_that_training_rows_did_not_have_is_never_predicted_nor_counted(model):
    rows = PEOPLE.head(20).copy()
    rows["town"] = "Lima"
    rows["colour"] = pd.Categorical(["pink"] * 20)
    denoised = model.denoise(rows)
    assert set(denoised["town"]) <= {"Rome", "Oslo"}
    errors = model.reconstruction_errors(rows, per="column")
    assert np.isnan(errors[[3, 4]]).all()
    assert np.isfinite(errors[[0, 1, 2, 5]]).all()
    assert np.isfinite(model.score(rows))


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_impute_keeps_known_cells_and_takes_the_others_from_denoise(model, library):
    rows = PEOPLE.head(60).astype({"age": "Int64", "member": "boolean"})
    for number, name in enumerate(rows):
        rows.loc[rows.index[number::7], name] = None
    rows.loc["r6", "town"] = "Lima"  # which the training rows did not have
    table = rows
    if library != "pandas":
        table = pa.Table.from_pandas(rows, preserve_index=False)
        table = table if library == "arrow" else pl.from_arrow(table)
    imputed, denoised = model.impute(table), model.denoise(table)
    assert type(imputed) is type(table)
    for name in rows:
        known = rows[name].notna().to_numpy()
        assert 0 < known.sum() < 60
        cells, before, after = (
            each[name].to_pylist() if library == "arrow" else list(each[name]) for each in (imputed, table, denoised)
        )
        assert cells == [before[i] if known[i] else after[i] for i in range(60)]
    if library == "pandas":
        pd.testing.assert_index_equal(imputed.index, rows.index)
        pd.testing.assert_series_equal(imputed.dtypes, rows.dtypes)
    encoded = EncodedRows(model.variables_.source(rows).read(0, 60), model.variables_)
    gaps = np.isnan(encoded.array)
    np.testing.assert_array_equal(model.impute(encoded), np.where(gaps, model.denoise(encoded), encoded.array))


def test_missing_cells_are_filled(model):
    rows = PEOPLE.astype({"age": "Int64", "member": "boolean"})
    rows = rows.mask(np.random.default_rng(1).random(rows.shape) < 0.2)
    denoised = model.denoise(rows)
    assert not denoised.isna().any().any()
    trained = DenoisingAutoencoder(8, **QUICK).fit(rows)
    assert "missing:" in trained.settings_.corruption.text
    filled = trained.denoise(rows)
    known = rows["town"].isna()
    assert (filled["town"][known] == PEOPLE["town"][known]).mean() > 0.8


@pytest.mark.parametrize(
    "estimator",
    [
        SparseAutoencoder(8, **QUICK),
        SparseAutoencoder(8, sparsity="topk:2", **QUICK),
        DictionaryAutoencoder(16, k=3, **QUICK),
        DictionaryAutoencoder(16, k=3, sparsity="gated", **QUICK),
        DenoisingAutoencoder((12, 4), tied=True, early_stopping=True, **QUICK),
        DenoisingAutoencoder(4, scaling="minmax", **QUICK),
        DenoisingAutoencoder(4, scaling="rank_gauss", **QUICK),
    ],
    ids=str,
)
def test_every_estimator_takes_tables(estimator, tmp_path):
    model = estimator.fit(PEOPLE)
    assert model.score(PEOPLE) > 0.5
    model.save(tmp_path / "model")
    loaded = taciturn.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.denoise(PEOPLE), model.denoise(PEOPLE))
    assert loaded.variables_ == model.variables_
    assert loaded.feature_names_in_.tolist() == PEOPLE.columns.tolist()
    before = loaded.score(PEOPLE)
    assert loaded.partial_fit(PEOPLE).score(PEOPLE) != before


def test_partial_fit_warm_start_validation_and_targets():
    noisy = PEOPLE.copy()
    noisy["height"] += 0.3 * np.random.default_rng(0).normal(size=600)
    model = DenoisingAutoencoder(8, corruption=None, warm_start=True, **QUICK)
    model.fit(noisy, target=PEOPLE, validation=(noisy[:50], PEOPLE[:50]))
    first = model.score(noisy, target=PEOPLE)
    assert model.fit(noisy, target=PEOPLE).score(noisy, target=PEOPLE) > first
    streamed = DenoisingAutoencoder(8, random_state=0)
    for start in range(0, 600, 200):
        streamed.partial_fit(PEOPLE[start : start + 200])
    assert streamed.n_iter_ == 3
    assert streamed.denoise(PEOPLE).dtypes.equals(PEOPLE.dtypes)


def test_the_codes_do_not_depend_on_the_rows_beside_them(model):
    np.testing.assert_allclose(model.transform(PEOPLE[:1]), model.transform(PEOPLE)[:1], rtol=1e-6)
    names = model.set_output(transform="pandas").transform(PEOPLE[:3])
    model.set_output(transform="default")
    pd.testing.assert_index_equal(names.index, PEOPLE.index[:3])


def test_features_of_rows_and_codes_have_the_names_of_the_encoded_columns():
    model = SparseAutoencoder(3, outputs="input+codes", **QUICK).fit(PEOPLE).set_output(transform="pandas")
    features = model.transform(PEOPLE)
    assert features.columns.tolist()[:4] == ["height", "age", "member", "colour=blue"]
    np.testing.assert_array_equal(features["colour=red"], PEOPLE["colour"] == "red")
    assert features.shape[1] == len(model.variables_.columns) + 3
    pd.testing.assert_frame_equal(model.inverse_transform(features), model.denoise(PEOPLE))


def test_a_kind_can_be_set():
    rows = PEOPLE.assign(zip=np.arange(600) % 7 + 10000, name=[f"n{i}" for i in range(600)])
    with pytest.raises(DataError, match="name"):
        DenoisingAutoencoder(4, **QUICK).fit(rows)
    model = DenoisingAutoencoder(4, variables={"zip": "category", "name": "id"}, **QUICK).fit(rows)
    assert model.variables_.levels[-1] == 7
    denoised = model.denoise(rows)
    assert denoised["name"].equals(rows["name"])
    assert set(denoised["zip"]) <= set(rows["zip"])
    model.denoise(rows.drop(columns="name"))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scaling": "whiten"}, "scaling='whiten' acts on whole rows"),
        ({"scaling": "mean_norm"}, "scaling='mean_norm' acts on whole rows"),
        ({"loss": "cross_entropy"}, "loss='cross_entropy': a table with booleans"),
        ({"output_activation": "sigmoid"}, "output_activation='sigmoid': a table"),
        ({"corruption": "salt_pepper:0.1"}, "salt_pepper:0.1 makes no sense for booleans and categories"),
        ({"corruption": "blind_spot:0.1"}, "blind_spot:0.1 makes no sense"),
        ({"variables": {"nobody": "id"}}, "nobody"),
        ({"variables": ["town"]}, "is no mapping"),
    ],
)
def test_what_tables_cannot_have_is_refused(parameters, message):
    with pytest.raises((RecipeError, DataError), match=message):
        DenoisingAutoencoder(4, **parameters, **QUICK).fit(PEOPLE)
    with pytest.raises(RecipeError, match="the rows are no table"):
        DenoisingAutoencoder(4, variables={"a": "id"}, **QUICK).fit(np.eye(4))


def test_other_rows_are_refused(model):
    with pytest.raises(DataError, match="give a table of these columns"):
        model.transform(np.zeros((3, 6)))
    with pytest.raises(DataError, match="colour"):
        model.transform(PEOPLE.drop(columns="colour"))
    with pytest.raises(DataError, match="order"):
        model.transform(PEOPLE[PEOPLE.columns[::-1]])


def test_a_table_of_floats_is_fitted_as_an_array_is():
    X = np.random.default_rng(0).normal(size=(100, 3))
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    by_frame, by_array = (DenoisingAutoencoder(4, **QUICK).fit(rows) for rows in (frame, X))
    np.testing.assert_array_equal(by_frame.components_, by_array.components_)
    np.testing.assert_allclose(by_frame.transform(frame), by_array.transform(X), rtol=1e-12)
    denoised = by_frame.denoise(frame)
    np.testing.assert_allclose(denoised.to_numpy(), by_array.denoise(X), rtol=1e-12)
    assert isinstance(denoised, pd.DataFrame)
    with pytest.warns(UserWarning, match="feature names"):
        assert isinstance(by_frame.denoise(X), np.ndarray)


@settings(
    max_examples=int(os.environ.get("TACITURN_EXAMPLES", "15")), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(frame=tables())
def test_any_table_is_fitted_and_comes_back_in_its_types(frame):
    """2 to 5,000 rows, 1 to 500 columns of any types and names, with missing cells."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        try:
            model = SparseAutoencoder(3, max_iter=1, random_state=0).fit(frame)
        except TaciturnError as error:
            message = str(error)
            event(message[:40])
            if not message.isprintable():
                raise
            return
        denoised = model.denoise(frame)
        assert denoised.dtypes.tolist() == frame.dtypes.tolist()
        pd.testing.assert_index_equal(denoised.index, frame.index)
        assert list(denoised.columns) == list(frame.columns)
        assert not denoised.isna().any(axis=None)
        assert not np.isnan(model.score(frame))  # constant rows have the score -inf, or 1
        model.save(f"{folder}/model")
        loaded = taciturn.load(f"{folder}/model")
        pd.testing.assert_frame_equal(loaded.denoise(frame), denoised)
        np.testing.assert_array_equal(loaded.transform(frame), model.transform(frame))
