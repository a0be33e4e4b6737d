"""DenoisingImputer: completed tables, draws of them, and Rubin's rules."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from taciturn import DenoisingAutoencoder, DenoisingImputer, load, pool
from taciturn.core.errors import ArtifactError, DataError, DataTypeError, RecipeError, TaciturnError

QUICK = {"n_networks": 2, "max_iter": 1, "random_state": 0}


@parametrize_with_checks([DenoisingImputer(16, n_networks=2, max_iter=1)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# --- a Gaussian table, whose conditional means and variances are known in closed form --------------------------------
CORRELATION = np.array([[1.0, 0.8, 0.3], [0.8, 1.0, 0.5], [0.3, 0.5, 1.0]])
MEAN, STD = np.array([10.0, -5.0, 0.0]), np.array([1.0, 20.0, 0.1])


def conditional(row):
    """The mean and the variance of the missing values of a row of the Gaussian table, from its covariance."""
    covariance, missing = CORRELATION * np.outer(STD, STD), np.isnan(row)
    weights = covariance[np.ix_(missing, ~missing)] @ np.linalg.inv(covariance[np.ix_(~missing, ~missing)])
    mean = MEAN[missing] + weights @ (row - MEAN)[~missing]
    return mean, covariance[np.ix_(missing, missing)] - weights @ covariance[np.ix_(~missing, missing)]


@pytest.fixture(scope="module")
def gaussian():
    """Rows of the Gaussian table without missing values, and an imputer of the rows with a fifth missing."""
    rng = np.random.default_rng(0)
    X = MEAN + rng.multivariate_normal(np.zeros(3), CORRELATION, 1500) * STD
    holed = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    return X, holed, DenoisingImputer(random_state=0).fit(holed)


@pytest.mark.parametrize("missing", [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]])
def test_imputed_values_are_conditional_means(gaussian, missing):
    X, _, imputer = gaussian
    rows = X[:200].copy()
    rows[:, missing] = np.nan
    found = ((imputer.transform(rows) - MEAN) / STD)[:, missing]
    expected = (np.array([conditional(row)[0] for row in rows]) - MEAN[missing]) / STD[missing]
    assert np.sqrt(np.square(found - expected).mean()) < 0.1  # of the columns' standard deviation


@pytest.mark.parametrize("missing", [[0], [2], [0, 1], [0, 1, 2]])
def test_draws_have_the_conditional_mean_and_covariance(gaussian, missing):
    _, _, imputer = gaussian
    row = MEAN + STD * [0.5, 0.5, -0.5]
    row[missing] = np.nan
    draws = np.concatenate([table[:, missing] for table in imputer.impute(np.tile(row, (100, 1)), 40)])
    mean, covariance = conditional(row)
    scale = np.sqrt(np.diag(covariance))
    assert_allclose((draws.mean(0) - mean) / scale, 0, atol=0.15)
    assert_allclose(draws.std(0) / scale, 1, rtol=0.12)
    between = np.corrcoef(draws.T).reshape(len(missing), -1)
    assert_allclose(between, covariance / np.outer(scale, scale), atol=0.1)  # values of a row are drawn together


def test_intervals_cover_and_coefficients_are_pooled(gaussian):
    X, holed, imputer = gaussian
    tables, missing = imputer.impute(holed, 39), np.isnan(holed)
    low, high = np.sort(tables, axis=0)[[1, -2]]  # 2 of 39 below and 2 of 39 above: 1 - 2 · 2 / 40 = 90%
    inside = ((low <= X) & (high >= X))[missing]
    assert 0.87 < inside.mean() < 0.93
    slopes, variances = zip(*(slope(table[:, 0], table[:, 1]) for table in tables), strict=True)
    pooled = pool(slopes, variances, complete_degrees_of_freedom=len(X) - 2)
    complete = slope(X[:, 0], X[:, 1])
    assert complete[1] < pooled.variance < 4 * complete[1]
    assert abs(pooled.estimate - 0.8 * STD[1] / STD[0]) < 3 * pooled.standard_error


def slope(x, y):
    """The least-squares slope and its variance."""
    x, y = x - x.mean(), y - y.mean()
    estimate = x @ y / (x @ x)
    return estimate, np.square(y - estimate * x).sum() / (len(x) - 2) / (x @ x)


def test_linear_relations_need_no_correction_and_noise_gets_none():
    rng = np.random.default_rng(4)
    X = rng.standard_normal((150, 6))  # independent columns: the best imputation is the mean
    holed = np.where(rng.random(X.shape) < 0.3, np.nan, X)
    imputed = DenoisingImputer(random_state=0).fit(holed).transform(holed)
    of_means = np.square(np.nanmean(holed, 0) - X)[np.isnan(holed)].mean()
    assert np.square(imputed - X)[np.isnan(holed)].mean() < 1.1 * of_means


def test_draws_hold_the_uncertainty_of_the_model():
    X = np.random.default_rng(5).standard_normal((40, 6))
    imputer = DenoisingImputer(n_networks=8, random_state=0).fit(X)
    tables = imputer.impute(np.full((2000, 6), np.nan), 60)
    variance = np.var([table.mean(0) for table in tables], axis=0)  # of the columns' means: s² / 40 by normal theory
    assert 0.5 < np.mean(variance / (X.var(0) / 40)) < 2


def test_a_product_is_learnt_which_no_linear_model_has():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((800, 3))
    X[:, 2] = X[:, 0] * X[:, 1] + 0.1 * rng.standard_normal(800)
    holed = X.copy()
    holed[600:, 2] = np.nan
    imputed = DenoisingImputer(random_state=0).fit(holed).transform(holed)
    assert np.square(imputed - X)[600:, 2].mean() < 0.3 * X[600:, 2].var()


def test_the_levels_of_a_category_are_hidden_together(monkeypatch):
    """As they are missing together: the targets of the networks are the hidden values, NaN for all others."""
    targets, fit = [], DenoisingAutoencoder.fit

    def recorded(network, X, target):
        targets.append(np.asarray(target))
        return fit(network, X, target=target)

    monkeypatch.setattr(DenoisingAutoencoder, "fit", recorded)
    rng = np.random.default_rng(6)
    X = pd.DataFrame({"size": rng.standard_normal(200), "colour": rng.choice(["red", "green", "blue"], 200)})
    X["long"], X["weight"] = X["size"] > 0, rng.standard_normal(200)
    DenoisingImputer(8, **QUICK).fit(X)
    hidden = ~np.isnan(np.concatenate(targets))  # size, colour=blue, colour=green, colour=red, long, weight
    assert hidden.shape[1] == 6
    colour, others = hidden[:, 1:4], np.delete(hidden, (2, 3), axis=1)
    assert_array_equal(colour, np.repeat(colour[:, :1], 3, axis=1))
    assert 0.3 < colour.mean() < 0.7
    both = others.T.astype(int) @ others
    assert ((both < np.diag(both)) | np.eye(4, dtype=bool)).all()  # other variables are hidden by themselves


# --- tables in, tables out -------------------------------------------------------------------------------------------
ROWS = np.random.default_rng(2).standard_normal((60, 3)).cumsum(1)
HOLED = np.where(np.random.default_rng(3).random((60, 3)) < 0.3, np.nan, ROWS)


@pytest.fixture(scope="module")
def quick():
    return DenoisingImputer(16, **QUICK).fit(HOLED)


def test_known_values_stay_and_none_is_missing(quick):
    for table in [quick.transform(HOLED), *quick.impute(HOLED, 2)]:
        known = ~np.isnan(HOLED)
        assert_array_equal(table[known], HOLED[known])
        assert np.isfinite(table).all()


def test_the_same_seed_gives_the_same_tables(quick):
    again = clone(quick).fit(HOLED)
    assert_array_equal(again.transform(HOLED), quick.transform(HOLED))
    first, second = quick.impute(HOLED, 2)
    assert_array_equal(again.impute(HOLED, 2), [first, second])
    assert not np.array_equal(first, second)
    assert not np.array_equal(quick.impute(HOLED, 1, random_state=5)[0], first)


def test_a_pandas_frame_keeps_columns_types_and_index():
    index = pd.Index([f"row {i}" for i in range(60)], name="id")
    X = pd.DataFrame(HOLED, columns=["a", "b", "c"], index=index).astype({"b": "float32"})
    X["whole"] = pd.array([*[None] * 20, *range(40)], "Int64")
    X["nullable"] = pd.array([None, *ROWS[1:, 0]], "Float64")
    before = X.copy()
    imputer = DenoisingImputer(16, **QUICK).fit(X)
    for table in [imputer.transform(X), *imputer.impute(X, 2)]:
        pd.testing.assert_frame_equal(table.where(X.notna()), X)  # known cells, columns, types and index
        assert table.notna().all(axis=None)
    pd.testing.assert_frame_equal(X, before)
    exact = imputer.transform(X.assign(whole=X["whole"].astype("Float64")))["whole"]
    assert imputer.transform(X)["whole"].tolist() == np.rint(exact.to_numpy(float)).tolist()
    assert imputer.set_output(transform="polars").transform(X).columns == list(X.columns)


def test_a_polars_frame_keeps_columns_and_types():
    X = pl.DataFrame({"a": HOLED[:, 0], "b": [None, *ROWS[1:, 1]], "whole": [None, *range(59)]}, strict=False)
    X = X.with_columns(pl.col("b").cast(pl.Float32))
    imputer = DenoisingImputer(16, **QUICK).fit(X)
    table = imputer.transform(X)
    assert table.schema == X.schema
    assert table.null_count().sum_horizontal().item() == 0
    assert table["a"].is_nan().sum() == 0
    assert table[1:, "whole"].to_list() == list(range(59))


@pytest.mark.parametrize("rows", [2, 3, 40])
@pytest.mark.parametrize("columns", [1, 2, 40])
def test_tables_of_all_sizes(rows, columns):
    X = np.random.default_rng(0).standard_normal((rows, columns))
    X[0, columns // 2 :] = np.nan
    imputer = DenoisingImputer(8, **QUICK)
    assert np.isfinite(imputer.fit_transform(X)).all()
    assert np.isfinite(imputer.impute(X, 2)).all()


def test_odd_rows_and_columns():
    X = np.column_stack([HOLED, np.full(60, 7.0), np.arange(60.0) * 1e9, np.r_[1.0, np.full(59, np.nan)]])
    X[5] = np.nan
    imputed = DenoisingImputer(8, **QUICK).fit_transform(X)
    assert np.isfinite(imputed).all()
    assert_allclose(imputed[5, 3], 7)
    assert_allclose(imputed[:, 5], 1)  # the only value that is known
    assert_allclose(imputed[5, 4], np.nanmean(X[:, 4]), atol=0.5 * np.nanstd(X[:, 4]))  # a mean without what is known


def test_missing_values_that_training_did_not_have():
    complete = DenoisingImputer(16, max_iter=3, random_state=0).fit(ROWS)
    assert_array_equal(complete.transform(ROWS), ROWS)
    assert np.square(complete.transform(HOLED) - ROWS).sum() < np.square(np.nan_to_num(HOLED) - ROWS).sum()


@pytest.mark.parametrize(
    ("parameters", "X", "message"),
    [
        ({"n_networks": 1}, HOLED, "n_networks=1 must be 2 or more"),
        ({"n_components": 0}, HOLED, "n_components=0"),
        ({"max_iter": 0.5}, HOLED, "max_iter=0.5"),
        ({"learning_rate": -1}, HOLED, "learning_rate=-1"),
        ({"alpha": -1}, HOLED, "alpha=-1"),
        ({}, np.c_[HOLED, np.full(60, np.nan)], "column 3 has no known value; drop it"),
        ({}, pd.DataFrame({"a": ROWS[:, 0], "b": np.nan}), "column 'b' has no known value; drop it"),
        ({}, np.where(np.isnan(HOLED), np.inf, HOLED), "infinite"),
        ({}, ROWS[:1], "Give 2 or more rows"),
    ],
)
def test_messages(parameters, X, message):
    with pytest.raises(TaciturnError, match=message):
        DenoisingImputer(**parameters).fit(X)


def test_a_failed_fit_leaves_the_imputer(quick):
    before = quick.transform(HOLED)
    with pytest.raises(DataError):
        quick.fit(np.full((4, 5), np.nan))
    assert_array_equal(quick.transform(HOLED), before)


def test_messages_of_draws_and_sparse_rows(quick):
    from scipy.sparse import csr_array

    with pytest.raises(RecipeError, match="n_imputations=0"):
        quick.impute(HOLED, 0)
    with pytest.raises(DataTypeError, match=r"give X\.toarray\(\)"):
        quick.transform(csr_array(ROWS))


# --- saving ----------------------------------------------------------------------------------------------------------
def test_a_saved_imputer_gives_the_same(tmp_path):
    X = pd.DataFrame(HOLED, columns=["a", "b", "c"])
    imputer = DenoisingImputer(16, **QUICK).fit(X)
    imputer.save(tmp_path / "imputer")
    imputer.save(tmp_path / "imputer", overwrite=True)
    for again in (load(tmp_path / "imputer"), DenoisingImputer.load(tmp_path / "imputer")):
        assert again.get_params() == imputer.get_params()
        assert list(again.feature_names_in_) == ["a", "b", "c"]
        pd.testing.assert_frame_equal(again.transform(X), imputer.transform(X))
        for first, second in zip(again.impute(X, 2), imputer.impute(X, 2), strict=True):
            pd.testing.assert_frame_equal(first, second)


def test_saving_refuses_other_folders(quick, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TaciturnError, match=r"notes\.txt"):
        quick.save(tmp_path, overwrite=True)
    quick.save(tmp_path / "imputer")
    with pytest.raises(TaciturnError, match="exists"):
        quick.save(tmp_path / "imputer")


@pytest.mark.parametrize("file", ["imputer.json", "imputer.safetensors", "network-1/weights.safetensors"])
def test_a_damaged_folder_is_refused(quick, tmp_path, file):
    quick.save(tmp_path / "imputer")
    path = tmp_path / "imputer" / file
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ArtifactError, match=file.split("/")[-1] if "network" in file else "imputer"):
        load(tmp_path / "imputer")
    path.unlink()
    with pytest.raises(ArtifactError):
        load(tmp_path / "imputer")


# --- Rubin's rules ---------------------------------------------------------------------------------------------------
def test_rubins_rules_by_hand():
    # Ū = 4, B = 1, T = 4 + 4/3 = 16/3, λ = (4/3) / (16/3) = 1/4, ν = 2 / (1/16) = 32
    pooled = pool([10, 11, 12], [3, 4, 5])
    assert_allclose([pooled.estimate, pooled.within, pooled.between, pooled.variance], [11, 4, 1, 16 / 3])
    assert_allclose([pooled.missing_information, pooled.degrees_of_freedom], [1 / 4, 32])
    # the t distribution with 32 degrees of freedom has its 97.5% quantile at 2.0369333 (tables)
    half = 2.0369333 * np.sqrt(16 / 3)
    assert_allclose(pooled.interval(), [11 - half, 11 + half], rtol=1e-7)


def test_degrees_of_freedom_of_few_rows_by_hand():
    # Barnard and Rubin: ν̂ = (9 + 1) / (9 + 3) · 9 · (1 - 1/4) = 5.625, and 1 / (1/32 + 1/5.625) = 4.784053
    pooled = pool([10, 11, 12], [3, 4, 5], complete_degrees_of_freedom=9)
    assert_allclose(pooled.degrees_of_freedom, 1 / (1 / 32 + 1 / 5.625))
    assert_allclose(pooled.variance, 16 / 3)


def test_rules_of_several_coefficients_and_of_nothing_missing():
    pooled = pool([[1.0, 5.0], [3.0, 5.0]], [[2.0, 1.0], [4.0, 1.0]])
    assert_allclose(pooled.estimate, [2, 5])
    assert_allclose(pooled.variance, [3 + 1.5 * 2, 1])
    assert pooled.degrees_of_freedom[1] == np.inf
    assert_allclose(pooled.interval(0.95)[1][1], 5 + 1.959964, rtol=1e-6)  # normal
    complete = pool([5.0, 5.0], [1.0, 1.0], complete_degrees_of_freedom=10)
    assert_allclose(complete.degrees_of_freedom, 11 / 13 * 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [1.0]), "two or more"),
        ((1.0, 1.0), "two or more"),
        (([1.0, 2.0], [1.0]), "give one for each"),
        (([1.0, 2.0], [1.0, -1.0]), "not negative"),
        (([1.0, np.nan], [1.0, 1.0]), "finite"),
    ],
)
def test_messages_of_pool(arguments, message):
    with pytest.raises(DataError, match=message):
        pool(*arguments)
    with pytest.raises(RecipeError, match="complete_degrees_of_freedom=0"):
        pool([1.0, 2.0], [1.0, 1.0], complete_degrees_of_freedom=0)
    with pytest.raises(RecipeError, match="confidence=1"):
        pool([1.0, 2.0], [1.0, 1.0]).interval(1)


# --- the command line ---------------------------------------------------------------------------------------------
def command(*arguments):
    from typer.testing import CliRunner

    from taciturn.cli.app import app

    return CliRunner().invoke(app, ["impute", *map(str, arguments)])


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.DialectFound", "ignore::taciturn.core.errors.EmptyRows")
def test_the_command_completes_a_table_and_keeps_its_known_cells(tmp_path):
    rng = np.random.default_rng(0)
    size = rng.normal(size=300).round(3)
    frame = pd.DataFrame(
        {"size": size, "kind": np.where(size > 0, "large", "small")}, index=[f"r{i}" for i in range(300)]
    )
    holed = frame.mask(rng.random(frame.shape) < 0.2)
    holed.to_csv(tmp_path / "holed.csv")
    assert command(tmp_path / "holed.csv", "-o", tmp_path / "complete.csv").exit_code == 0
    complete = pd.read_csv(tmp_path / "complete.csv", index_col=0)
    assert complete.index.tolist() == frame.index.tolist()
    assert not complete.isna().any(axis=None)
    pd.testing.assert_frame_equal(complete.where(holed.notna()), holed, check_names=False)
    hidden = holed["kind"].isna() & holed["size"].notna()
    assert (complete["kind"] == frame["kind"])[hidden].mean() > 0.9


def test_the_command_draws_tables(tmp_path):
    rows = np.random.default_rng(0).normal(size=(100, 1)) + 0.1 * np.random.default_rng(1).normal(size=(100, 3))
    rows[::5, 1] = np.nan
    np.save(tmp_path / "rows.npy", rows)
    assert command(tmp_path / "rows.npy", "-o", tmp_path / "draw.npy", "--imputations", "3").exit_code == 0
    draws = [np.load(tmp_path / f"draw-{i}.npy") for i in (1, 2, 3)]
    known = ~np.isnan(rows)
    assert all((draw[known] == rows[known]).all() for draw in draws)
    assert len({draw[0, 1] for draw in draws}) == 3
    assert command(tmp_path / "rows.npy", "-o", tmp_path / "v1.0" / "a.b.csv.gz", "--imputations", "1").exit_code == 0
    assert [file.name for file in (tmp_path / "v1.0").iterdir()] == ["a.b-1.csv.gz"]


def test_the_command_refuses_a_file_that_cannot_hold_the_table(tmp_path):
    (tmp_path / "kinds.csv").write_text("a,b\n1,x\n2,y\n,x\n4,\n")
    done = command(tmp_path / "kinds.csv", "-o", tmp_path / "complete.npy")
    assert done.exit_code == 2
    assert "a table cannot be written with this ending; known are .csv" in done.stderr
    assert not (tmp_path / "complete.npy").exists()
