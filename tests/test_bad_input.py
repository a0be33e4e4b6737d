"""Bad input gives one clear line that names the place and the mend, and leaves no half-written file."""

import decimal
import os
import pty
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import torch
from typer.testing import CliRunner

from taciturn import DenoisingAutoencoder, SparseAutoencoder, load
from taciturn.cli.app import app
from taciturn.core.errors import ArtifactError, DataError, Diverged, RecipeError, TaciturnError
from taciturn.data.sources import Rows
from taciturn.data.split import split

X = np.random.default_rng(0).random((40, 3))
TABLE = pd.DataFrame(X, columns=list("abc"))
QUICK = {"n_components": 4, "max_iter": 1, "random_state": 0}
FEW = ["--latents", "4", "--epochs", "1", "-q"]
COMMANDS = ["fit", "encode", "denoise", "evaluate"]


def fitted(rows):
    return SparseAutoencoder(**QUICK).fit(rows)


def has_names(rows):
    return getattr(rows, "columns", None) is not None


def changed(at, to):
    """X with a value at each place changed."""
    rows = X.astype(np.result_type(X, np.asarray(to)))
    for place in at:
        rows[place] = to
    return rows


ENDLESS, WORDS = changed([(7, 1), (9, 1)], np.inf), changed([(5, 2)], "x")
BOTH = changed([(3, 2)], -np.inf)
BOTH[0] = np.nan
CELLS = X.astype(object)
CELLS[5, 2] = {"a": 1}
SPARSE_TABLE = pd.DataFrame(X, columns=list("abc")).astype(pd.SparseDtype(float, np.nan))
KINDS = TABLE.assign(kind=["up", "down"] * 20, size=pd.Categorical(["s", "l"] * 20))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs' folders: `plain` is of an array, `named` of a table with the columns a, b and c."""
    folder = tmp_path_factory.mktemp("runs")
    np.save(folder / "rows.npy", X)
    TABLE.to_csv(folder / "table.csv", index=False)
    for data, name in (("rows.npy", "plain"), ("table.csv", "named")):
        assert taciturn("fit", folder / data, *FEW, "-o", folder / name).exit_code == 0
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder in which the command runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def taciturn(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def command(name, runs, data, out, *, run="plain"):
    """A command line that reads the data and writes to `out`."""
    if name == "fit":
        return ["fit", data, *FEW, "-o", out]
    return [name, runs / run, data, *([] if name == "evaluate" else ["-o", f"{out}.npy"])]


def everything(*folders):
    """Return all files and folders below some folders, hidden ones included, with the files' bytes."""
    return {path: path.is_file() and path.read_bytes() for folder in folders for path in folder.rglob("*")}


def fails(arguments, *words, code=1, among):
    """The command must end with one line on standard error that holds the words, and change nothing below `among`."""
    before = everything(*among)
    done = taciturn(*arguments)
    assert isinstance(done.exception, SystemExit), done.exception
    assert (done.exit_code, done.stdout) == (code, "")
    line, rest = done.stderr.split("\n", 1)
    assert line.startswith("taciturn: ")
    assert rest == ""
    for word in words:
        assert word in line
    assert everything(*among) == before


def refuses(model, call, *words, error=DataError, lines=1):
    """The call must raise an error that holds the words, and leave the model as it was, fitted or not."""
    before, rows = dict(vars(model)), TABLE if hasattr(model, "feature_names_in_") else X
    is_fitted = "_learner" in before
    codes, settings = (model.transform(rows), model.settings_) if is_fitted else (None, None)
    with pytest.raises(error) as caught:
        call(model)
    assert len(str(caught.value).splitlines()) == lines, str(caught.value)
    for word in words:
        assert word in str(caught.value)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
    if is_fitted:
        np.testing.assert_array_equal(model.transform(rows), codes)
        assert model.settings_ is settings


# --- rows, in Python -------------------------------------------------------------------------------------------
TWO_ENDLESS = ("2 values in 2 of 40 rows are infinite, the first in row 7,", "set them to NaN if they are missing, or")
NOT_A_TABLE = ("Expected 2D array, got 1D array instead", "X.reshape(-1, 1) if it is one column")

ROWS = {
    "infinity": (ENDLESS, *TWO_ENDLESS, "column 1 "),
    "infinity in a frame": (pd.DataFrame(ENDLESS, columns=list("abc")), *TWO_ENDLESS, "column 'b'"),
    "infinity in polars": (pl.DataFrame(ENDLESS, schema=list("abc")), *TWO_ENDLESS, "column 'b'"),
    "infinity in a source": (Rows(ENDLESS, columns=("a", "b", "c")), *TWO_ENDLESS, "column 'b'"),
    "infinity beside NaN": (BOTH, "1 value in 1 of 40 rows is infinite", "in row 3, column 2", "set them to NaN"),
    "no rows": (X[:0], "0 sample(s) (shape=(0, 3))", "or more rows"),
    "no rows in a frame": (TABLE[:0], "0 sample(s) (shape=(0, 3))", "or more rows"),
    "no rows in a source": (Rows(X[:0]), "the source has shape [0, 3]", "or more rows"),
    "an empty list": ([], "got 1D array", "or more rows"),
    "no columns": (X[:, :0], "0 feature(s) (shape=(40, 0))", "Give one or more columns"),
    "no columns in a source": (Rows(X[:, :0]), "the source has shape [40, 0]", "1 or more columns"),
    "ragged": ([[1, 2, 3], [4, 5], [6, 7, 8]], "row 1 has 2 numbers, row 0 has 3", "give every row as many"),
    "one axis": (X[0], *NOT_A_TABLE),
    "one axis in polars": (pl.Series(X[0]), *NOT_A_TABLE),
    "a name": ("digits.csv", "got scalar array", "taciturn.datasets.load('digits.csv')"),
    "nothing": (None, "got scalar array", "Give rows: [[…], …]"),
    "words": (WORDS, "row 5, column 2: could not convert string to float: 'x'", "drop or encode such columns"),
    "words among objects": (WORDS.astype(object), "row 5, column 2: ", "'x'", "drop or encode such columns"),
    "numbers as words": (X.astype(str), "strings", "Write X.astype(float)"),
    "objects": (CELLS, "row 5, column 2: ", "not 'dict'", "drop or encode such columns"),
    "dates": (X.astype("M8[D]"), "must hold numbers, not datetime64[D]", "encode them as numbers"),
    "complex": (X + 1j, "Complex data not supported", "Give X.real, or abs(X)"),
    "five axes": (X.reshape(20, 2, 3, 1, 1), "dim 5", "Flatten each row: X.reshape(len(X), -1)"),
    "bfloat16": (torch.zeros(40, 3, dtype=torch.bfloat16), "unsupported ScalarType BFloat16; give X.float()"),
    "infinity in a sparse matrix": (
        sp.csc_matrix(changed([(3, 2)], -np.inf)),
        "1 value in 1 of 40 rows is",
        "in row 3",
    ),
    "a sparse array of one axis": (sp.coo_array(X[0]), "Expected 2D", "Reshape your data"),
    "a sparse frame that leaves out NaN": (SPARSE_TABLE, "column 'a' is sparse", "give X.sparse.to_dense()"),
}
METHODS = {
    "fit": lambda model, rows: SparseAutoencoder.fit(model, rows),
    "partial_fit": lambda model, rows: model.partial_fit(rows),
    "transform": lambda model, rows: model.transform(rows),
    "denoise": lambda model, rows: model.denoise(rows),
    "score": lambda model, rows: model.score(rows),
    "score_samples": lambda model, rows: model.score_samples(rows),
}


@pytest.fixture(scope="module")
def models():
    """An estimator of an array, one of a frame."""
    return fitted(X), fitted(TABLE)


@pytest.mark.parametrize("case", ROWS)
@pytest.mark.parametrize("method", METHODS)
def test_bad_rows_raise_an_error_in_every_method(models, case, method):
    rows, *words = ROWS[case]
    refuses(models[has_names(rows)], lambda model: METHODS[method](model, rows), *words)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "fit"])
def test_a_model_of_numbers_refuses_categories(models, method):
    words = "columns 'kind', 'size' are not numeric", "drop or encode such columns"
    refuses(models[True], lambda model: METHODS[method](model, KINDS), *words)


@pytest.mark.parametrize("case", ROWS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_an_estimator_that_was_not_fitted_stays_so(case, method):
    rows, *words = ROWS[case]
    refuses(SparseAutoencoder(**QUICK), lambda model: METHODS[method](model, rows), *words)


def frame_with(column, name="d", library=pd.DataFrame):
    return library({"a": [0.5, 0.25, 1.0, 2.0], name: column})


def arrow(values, kind):
    return pd.array(values, dtype=pd.ArrowDtype(kind))


UNIQUE = [f"u{i}" for i in range(60)]
DECIMALS = [decimal.Decimal("1.25"), decimal.Decimal("-2.5"), decimal.Decimal("0"), decimal.Decimal("3")]
TRUTHS = [True, None, False, True]


@pytest.mark.parametrize(
    ("column", "library"),
    [(DECIMALS, pd.DataFrame), (arrow(DECIMALS, pa.decimal128(5, 2)), pd.DataFrame), (DECIMALS, pl.DataFrame)],
)
def test_decimals_are_numbers(column, library):
    wanted = frame_with([1.25, -2.5, 0, 3])
    codes = SparseAutoencoder(**QUICK).fit_transform(frame_with(column, library=library))
    np.testing.assert_array_equal(codes, SparseAutoencoder(**QUICK).fit_transform(wanted))
    only = pd.DataFrame({"d": column}) if library is pd.DataFrame else pl.DataFrame({"d": column})
    np.testing.assert_array_equal(
        SparseAutoencoder(**QUICK).fit_transform(only), SparseAutoencoder(**QUICK).fit_transform(wanted[["d"]])
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (frame_with([1, 2, 3, 4], library=pl.LazyFrame), ["lazy frame; give X.collect()"]),
        (pa.table({"a": [1.0, 2.0]}), ["Arrow table; give X.to_pandas()"]),
        (
            frame_with(pl.Series([1, 2, 3, 4], dtype=pl.Int128), library=pl.DataFrame),
            ["column 'd': ", "give X.with_columns(polars.col('d').cast(polars.Float64))"],
        ),
        (
            pd.DataFrame(np.ones((4, 3)), columns=["a", "b", "a"]),
            ["two columns are called 'a'; give each column its own"],
        ),
        (frame_with([{"x": 1}] * 4, library=pl.DataFrame), ["column 'd' has the type Struct({'x': Int64})", "drop it"]),
        (frame_with([[1, 2]] * 4, library=pl.DataFrame), ["column 'd' has the type List(Int64)", "drop it"]),
        (pd.DataFrame({"x" * 60_000: UNIQUE}), ["xxx…'"]),
        (pd.DataFrame({"a\n\x1b[31m": UNIQUE}), ["column 'a\\n\\x1b[31m'"]),
        (pd.DataFrame({f"c{i}": UNIQUE for i in range(500)}), ["'c4' and 495 more"]),
    ],
)
def test_a_frame_is_refused_with_its_column_and_a_mend(rows, words):
    with pytest.raises(DataError) as caught:
        SparseAutoencoder(**QUICK).fit(rows)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    for word in words:
        assert word in str(caught.value)


def test_the_mends_for_frames_work():
    wide = frame_with(pl.Series([1, 2, 3, 4], dtype=pl.Int128), library=pl.DataFrame)
    fitted(wide.with_columns(pl.col("d").cast(pl.Float64)))
    fitted(frame_with([1, 2, 3, 4], library=pl.LazyFrame).collect())
    fitted(pa.table({"a": [1.0, 2.0]}).to_pandas())


# None is a valid target, and the message for an empty source has its shape first
@pytest.mark.parametrize(
    "case", [case for case in ROWS if case not in ("nothing", "no rows in a source", "no columns in a source")]
)
def test_the_message_names_which_argument_is_bad(models, case):
    rows, *words = ROWS[case]
    good = TABLE if has_names(rows) else X
    model = models[has_names(rows)]
    refuses(model, lambda model: model.fit(good, target=rows), "target: ", *words)
    refuses(model, lambda model: model.fit(good, validation=rows), "validation: ", *words)
    refuses(model, lambda model: model.fit(good, validation=(good, rows)), "target: ", *words)
    refuses(model, lambda model: model.reconstruction_errors(good, target=rows), "target: ", *words)


def test_values_are_counted_over_all_blocks_and_placed_in_the_first(models):
    rows = np.zeros((20_000, 3))
    rows[[8_000, 19_000], 1], rows[9_000:18_000, 2] = np.nan, np.inf
    words = "9,000 values in 9,000 of 20,000 rows are infinite, the first in row 9000, column 2"
    refuses(models[0], lambda model: model.transform(rows), words)


@pytest.mark.parametrize(
    ("rows", "place"),
    [(X[:1], "1 sample(s)"), (TABLE[:1], "1 sample(s)"), (Rows(X[:1]), "the source has shape [1, 3]")],
    ids=["array", "frame", "source"],
)
def test_one_row_is_too_few_for_fit_but_not_for_partial_fit_or_transform(models, rows, place):
    model = models[has_names(rows)]
    refuses(model, lambda model: model.fit(rows), place, "ive 2 or more rows")
    assert model.transform(rows).shape == (1, 4)
    assert SparseAutoencoder(**QUICK).partial_fit(rows).n_iter_ == 1


MISSING = "Feature names seen at fit time, yet now missing:\n- c"
NAMES = "Give the columns that the model was trained on, in their order: X[list(model.feature_names_in_)]"


@pytest.mark.parametrize(
    ("rows", "words", "lines"),
    [
        (
            X[:, :2],
            [
                "X has 2 features, but SparseAutoencoder is expecting 3",
                "Give the columns that the model was trained on",
            ],
            1,
        ),
        (Rows(X[:, :2]), ["the source has 2 columns, but the model was trained on 3; give those columns"], 1),
        # for a frame's names scikit-learn's estimator checks require its own lines
        (TABLE[["a", "b"]], [MISSING, NAMES], 4),
        (TABLE[["b", "a", "c"]], ["must be in the same order", NAMES], 3),
        (pl.DataFrame(TABLE[["b", "a", "c"]].to_dict("list")), ["must be in the same order", NAMES], 3),
        (
            Rows(X, columns=("b", "a", "c")),
            ["'b', 'a', 'c', but the model was trained on 'a', 'b', 'c'", "taciturn.data.sources.select"],
            1,
        ),
    ],
    ids=["array", "source", "frame", "order", "order in polars", "order in a source"],
)
@pytest.mark.parametrize("method", [method for method in METHODS if method != "fit"])
def test_other_columns_than_the_training_columns(models, rows, words, lines, method):
    model = models[has_names(rows)]
    refuses(model, lambda model: METHODS[method](model, rows), *words, lines=lines)


def test_a_frame_whose_columns_are_called_like_methods_is_not_taken_for_sparse():
    frame = TABLE.set_axis(["sparse", "toarray", "c"], axis=1)
    model = fitted(frame)
    with pytest.raises(DataError, match="must be in the same order"):
        model.transform(frame[["toarray", "sparse", "c"]])


def test_reordered_columns_give_the_same_codes(models):
    model, shuffled = models[1], TABLE[["b", "a", "c"]]
    np.testing.assert_array_equal(model.transform(shuffled[list(model.feature_names_in_)]), model.transform(TABLE))
    refuses(model, lambda model: model.fit(TABLE, target=shuffled), "target: its columns are in another order", "bring")
    refuses(model, lambda model: model.fit(TABLE, validation=shuffled), "validation: ", NAMES, lines=3)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (
            np.hstack([changed([(7, 1)], np.nan), X])[:, :4],
            ["1 value in 1 of 40 rows is NaN", "row 7, column 1", "fill them in"],
        ),
        (X, ["3 codes per row, but the model has 4 latents", "give codes as transform returns them"]),
        (WORDS, ["row 5, column 2: ", "'x'"]),
        (X.reshape(20, 2, 3), ["dim 3", "Flatten each row"]),
        (sp.csr_matrix(X), ["3 codes per row, but the model has 4 latents"]),
    ],
    ids=["NaN", "width", "words", "three axes", "sparse"],
)
def test_bad_codes(models, codes, words):
    refuses(models[0], lambda model: model.inverse_transform(codes), *words)


# --- rows, in files --------------------------------------------------------------------------------------------
def as_text(text):
    return lambda path: path.write_text(text)


def as_array(array):
    return lambda path: np.save(path, array, allow_pickle=True)


def as_csv(frame):
    return lambda path: frame.to_csv(path, index=False)


def as_parquet(frame):
    return lambda path: frame.to_parquet(path)


FILES = {
    "inf.npy": (as_array(ENDLESS), *TWO_ENDLESS, "column 1 "),
    "inf.csv": (as_csv(pd.DataFrame(ENDLESS, columns=list("abc"))), *TWO_ENDLESS, "column 'b'"),
    "inf.parquet": (as_parquet(pd.DataFrame(ENDLESS, columns=list("abc"))), *TWO_ENDLESS, "column 'b'"),
    "both.npy": (as_array(BOTH), "1 value in 1 of 40 rows is infinite", "row 3, column 2", "set them to NaN"),
    "empty.csv": (as_text(""), "the file is empty; give one with rows"),
    "empty.npy": (as_text(""), "the file is empty; give one with rows"),
    "empty.parquet": (as_text(""), "the file is empty; give one with rows"),
    "blank.csv": (as_text("\n\n"), "the file is empty; give one with rows"),
    "header.csv": (as_text("a,b,c\n"), "has no rows; give a file that has some"),
    "none.npy": (as_array(X[:0]), "has no rows; give a file that has some"),
    "none.parquet": (as_parquet(TABLE[:0]), "has no rows; give a file that has some"),
    "narrow.npy": (as_array(X[:, :0]), "has no columns; give a file that has some"),
    "ragged.csv": (as_text("a,b,c\n1,2,3\n4,5\n6,7,8\n"), "line 3 has 2 cells, the first 3", "correct the line"),
    "word.csv": (as_text("a,b,c\n1,2,3\n4,x,6\n"), "column 'b' (line 3: 'x')", "--drop b", "encode"),
    "kinds.csv": (as_csv(KINDS), "'kind' (line 2: 'up'), 'size' (line 2: 's')", "--drop kind --drop size", "encode"),
    "kinds.parquet": (as_parquet(KINDS), "'kind' (", "'size' (dictionary", "--drop kind --drop size", "encode"),
    "words.npy": (as_array(WORDS), "rows must hold numbers, not <U", "encode them as numbers"),
    "objects.npy": (as_array(CELLS), "Python objects, not numbers", "save array.astype(float)"),
    "complex.npy": (as_array(X + 1j), "numbers, not complex128", "encode them as numbers"),
    "number.npy": (as_array(np.array(3.0)), "not one number", "write [[number]]"),
    "sparse.npz": (
        lambda path: sp.save_npz(path, sp.coo_matrix(X)),
        "a sparse matrix of the format 'coo'",
        "load_npz('sparse.npz').tocsr()",
    ),
    "cut.npy": (
        lambda path: path.write_bytes(b"\x93NUMPY\1"),
        "cannot be read as .npy",
        "check that the file is complete",
    ),
}


TABLES = ("word.csv", "kinds.csv", "kinds.parquet")  # refused by models of numbers


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command_name", COMMANDS)
def test_bad_files_end_every_command(runs, here, name, command_name):
    if command_name == "fit" and name in TABLES:
        pytest.skip("fit takes it for a table")
    write, *words = FILES[name]
    write(here / name)
    fails(command(command_name, runs, name, "new/deep/out"), name, *words, among=(here, runs))


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        (X[:1], [], ["rows.npy: 1 of 1 rows", "training requires 2; give more rows"]),
        (X[:2], [], ["rows.npy: 1 of 2 rows", "requires 2; give more rows, or hold out none (--held-out 0)"]),
        (X[:4], ["--held-out", "0.9"], ["rows.npy: 1 of 4 rows", "hold out none (--held-out 0)"]),
    ],
    ids=["one", "two", "four"],
)
def test_fit_requires_two_rows_that_are_not_held_out(here, rows, options, words):
    np.save(here / "rows.npy", rows)
    fails(["fit", "rows.npy", *FEW, *options, "-o", "new/run"], *words, among=(here,))
    assert taciturn("fit", "rows.npy", *FEW, "--held-out", "0", "-o", "run").exit_code == (len(rows) == 1)


TWO_OF_THREE = "has 2 columns, but the model was trained on 3; give the same columns"


@pytest.mark.parametrize(
    ("run", "name", "write", "words"),
    [
        (
            "plain",
            "narrow.npy",
            as_array(X[:, :2]),
            [TWO_OF_THREE],
        ),
        (
            "plain",
            "narrow.csv",
            as_csv(TABLE[["a", "b"]]),
            [TWO_OF_THREE],
        ),
        (
            "named",
            "narrow.npy",
            as_array(X[:, :2]),
            [TWO_OF_THREE],
        ),
        ("named", "narrow.csv", as_csv(TABLE[["a", "b"]]), ["no column 'c'", "give all columns that the model"]),
        ("named", "other.csv", as_csv(TABLE.rename(columns={"a": "aa"})), ["no column 'a'; nearest: 'aa'", "give all"]),
        (
            "named",
            "bare.csv",
            as_text("1,2,3\n4,5,6\n"),
            ["no column 'a'; the columns have no names", "by their names"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("command_name", COMMANDS[1:])
def test_files_with_other_columns_than_the_training_columns(runs, here, run, name, write, words, command_name):
    write(here / name)
    fails(command(command_name, runs, name, "new/out", run=run), name, *words, among=(here, runs))


def test_held_out_rows_whose_file_has_changed_since(here):
    np.save(here / "rows.npy", X)
    assert taciturn("fit", "rows.npy", *FEW, "-o", "run").exit_code == 0
    np.save(here / "rows.npy", X[:, :2])
    fails(["evaluate", "run"], "rows.npy has 2 columns, but the model was trained on 3", among=(here,))
    np.save(here / "rows.npy", np.full_like(X, np.nan))
    fails(["denoise", "run", "-o", "new/out.npy"], "rows.npy no longer holds the rows of this run", among=(here,))


def test_rows_are_called_what_they_are_known_to_be(here):
    rows = np.random.default_rng(0).normal(size=(220, 3))
    np.save(here / "rows.npy", rows[:200])
    assert taciturn("fit", "rows.npy", *FEW, "-o", "run").exit_code == 0
    before = taciturn("evaluate", "run").stdout
    assert "20 held-out rows" in before
    assert "200 given rows" in taciturn("evaluate", "run", "rows.npy").stdout
    training, held_out = split(200, 0.1, 0)
    for indices, words in ((training, "180 training"), (held_out, "20 held-out"), (held_out[::-1], "20 given")):
        np.save(here / "some.npy", rows[indices])
        assert f"{words} rows" in taciturn("evaluate", "run", "some.npy").stdout
    np.save(here / "rows.npy", rows)  # 20 new rows at the end: those of the run still stand where they stood
    grown = taciturn("evaluate", "run")
    assert grown.stdout == before
    assert "rows.npy has 20 more rows than the run; they are not used" in grown.stderr
    rows[held_out[0]] += 1
    np.save(here / "rows.npy", rows)
    fails(["evaluate", "run"], "no longer holds the rows of this run", "name a file", among=(here,))


def test_the_command_finds_columns_by_name_in_any_order(runs, here):
    TABLE[["c", "a", "b"]].assign(kind="up").to_csv("shuffled.csv", index=False)
    for name, data in (("one", runs / "table.csv"), ("two", "shuffled.csv")):
        assert taciturn("encode", runs / "named", data, "-o", f"{name}.npy").exit_code == 0
    np.testing.assert_array_equal(np.load("one.npy"), np.load("two.npy"))
    measured = [taciturn("evaluate", runs / "named", d, "--json").stdout for d in (runs / "table.csv", "shuffled.csv")]
    assert measured[0] == measured[1]


# --- parameters ------------------------------------------------------------------------------------------------
PARAMETERS = [
    *[({"sparsity": f"kl:{rate}"}, f"kl: rate={rate}", "outside (0, 1)") for rate in (0, 1, 1.5, -0.1, "nan")],
    ({"sparsity": "squared_rate:1"}, "squared_rate: rate=1", "outside (0, 1)"),
    ({"sparsity": "kl:linear(0.1,1)"}, "kl: rate=linear(0.1,1) reaches 1", "outside (0, 1)"),
    *[
        ({"sparsity": "kl:0.1", "activation": name}, "kl requires codes in (0, 1)", "set activation='sigmoid'")
        for name in ("relu", "elu", "tanh", "identity")
    ],
    ({"sparsity": "squared_rate:0.1", "activation": "relu"}, "squared_rate requires codes", "set activation='sigmoid'"),
    ({"sparsity": "topk:2+kl:0.1"}, "kl requires codes in (0, 1)", "leave out topk:2"),
    ({"sparsity": "l1:l0=2", "activation": "sigmoid"}, "l1 requires exact zeros", "set activation='relu'"),
    ({"loss": "kl:0.1"}, "loss='kl:0.1' is not a reconstruction error", "set loss='squared_error', sparsity='kl:0.1'"),
    (
        {"loss": "cross_entropy", "output_activation": "tanh"},
        "cross_entropy requires",
        "set output_activation='sigmoid'",
    ),
    ({"corruption": "gaussian:-0.1"}, "gaussian: std=-0.1", "outside [0, inf]"),
    ({"corruption": "gaussian:linear(0.4,-0.1)"}, "gaussian: std=linear(0.4,-0.1) reaches -0.1", "outside [0, inf]"),
    ({"corruption": "dropout:1"}, "dropout: rate=1", "outside [0, 1)"),
    ({"corruption": "dropout:-0.1"}, "dropout: rate=-0.1", "outside [0, 1)"),
    ({"corruption": "masking:1.1"}, "masking: rate=1.1", "outside [0, 1]"),
    ({"corruption": "salt_pepper:2"}, "salt_pepper: rate=2", "outside [0, 1]"),
    ({"corruption": "gaussian:0.1+swap:1.5"}, "swap: rate=1.5", "outside [0, 1]"),
    ({"batch_size": 0}, "batch_size=0", "must be a positive whole number"),
    ({"max_iter": 0}, "max_iter=0", "must be a positive whole number"),
    ({"learning_rate": "-1"}, "learning_rate=-1", "must be a number in [0, inf)"),
    ({"device": "abacus"}, "device='abacus' cannot be used on this machine", "set 'auto' or 'cpu'"),
]
OPTIONS = {"sparsity": "sparse", "corruption": "corrupt", "max_iter": "epochs"}


@pytest.mark.parametrize(("parameters", "place", "mend"), PARAMETERS, ids=lambda value: str(value)[:40])
def test_impossible_parameters(runs, here, parameters, place, mend):
    fresh, again = SparseAutoencoder(**QUICK | parameters), fitted(X).set_params(**parameters)
    for model in (fresh, again):
        refuses(model, lambda model: model.fit(X), place, mend, error=RecipeError)
        # an error on rows of another width must not change the columns either
        refuses(model, lambda model: model.fit(X[:, :2]), place, mend, error=RecipeError)
    options = [f"--{OPTIONS.get(name, name).replace('_', '-')}={value}" for name, value in parameters.items()]
    line = command("fit", runs, runs / "rows.npy", "new/run")
    fails([*line, *options], place, mend, code=2, among=(here, runs))


@pytest.mark.parametrize("parameters", [{"tol": -1}, {"n_iter_no_change": 0}, {"validation_fraction": "x"}], ids=str)
@pytest.mark.parametrize("warm", [False, True])
def test_impossible_early_stopping(parameters, warm):
    model = fitted(X).set_params(early_stopping=True, warm_start=warm, **parameters)
    (name, value), *_ = parameters.items()
    refuses(model, lambda model: model.fit(X), f"{name}={value!r} must", error=RecipeError)


@pytest.mark.filterwarnings("always::taciturn.core.errors.SmallBatch")
def test_a_batch_too_small_for_the_target_is_a_warning_only_if_a_larger_one_exists(here):
    np.save(here / "rows.npy", X)
    np.save(here / "four.npy", X[:4])
    quick = [*FEW, "--held-out", "0", "--sparse", "kl:0.05"]
    done = taciturn("fit", "rows.npy", *quick, "--batch-size", "4", "-o", "small")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == (
        "taciturn: warning: batch_size=4 is too small to measure a mean activation of 0.05; set 16 or more\n"
    )
    for name, batch_size in (("rows", "16"), ("four", "4")):
        done = taciturn("fit", f"{name}.npy", *quick, "--batch-size", batch_size, "-o", name)
        assert (done.exit_code, done.stderr) == (0, "")


# --- a loss that is no longer finite ---------------------------------------------------------------------------
WILD = {"n_components": 4, "solver": "sgd", "learning_rate": 1e30, "scaling": "standard", "random_state": 0}
ADVICE = r"no longer finite at step {}; the {} are kept; lower learning_rate, or set solver="


@pytest.mark.parametrize(("batch_size", "epochs"), [(1000, 1), (1000, 2), (8, 1), (8, 3)])
def test_weights_whose_own_loss_is_not_finite_are_not_kept(batch_size, epochs):
    """The last step of an epoch can ruin weights whose loss, computed before the step, was finite."""
    model = DenoisingAutoencoder(batch_size=batch_size, max_iter=epochs, **WILD)
    with pytest.warns(Diverged, match=ADVICE.format(1, "initial weights")):
        model.fit(X)
    assert np.abs(model.components_).max() < 10
    assert np.isfinite(model.reconstruction_errors(X.astype(np.float32))).all()
    assert "at step 1" in model.stopped_


def test_a_partial_fit_that_diverges_changes_nothing():
    model = DenoisingAutoencoder(4, solver="sgd:momentum=0.9", learning_rate=0.1, scaling="none", random_state=0)
    model.partial_fit(X)
    before, score = model.components_.copy(), model.score(X)
    with pytest.warns(Diverged, match=ADVICE.format(2, "weights after 2 steps")):
        model.partial_fit(X * 1e30)
    np.testing.assert_array_equal(model.components_, before)
    assert "at step 2" in model.stopped_
    for _ in range(30):  # nor has the optimiser's momentum kept anything of it
        model.partial_fit(X)
    assert model.stopped_ is None
    assert model.score(X) > score


def test_the_weights_of_an_interrupted_run_are_finite_as_well(monkeypatch):
    from taciturn.training import learner

    real = learner.train

    def interrupted(run):
        for record in real(run):
            yield record
            if record.step == 6:
                run.step.model.dictionary.data.fill_(np.nan)
                raise KeyboardInterrupt

    monkeypatch.setattr(learner, "train", interrupted)
    model = DenoisingAutoencoder(4, batch_size=4, max_iter=3, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert len(model.history_.steps["loss"]) == 7
    assert np.isfinite(model.components_).all()
    assert model.stopped_ == "the loss was no longer finite at step 7; the weights after 4 steps are kept"


@pytest.mark.filterwarnings("always::taciturn.core.errors.Diverged")
def test_a_run_that_diverges_prints_one_line_and_keeps_good_weights(here):
    wild = ["--solver", "sgd", "--learning-rate", "1e30", "--sparse", "none", "--scaling", "standard"]
    done = taciturn("fit", "digits", *wild, "--epochs", 3, "--latents", 8, "-q", "-o", "run")
    assert (done.exit_code, done.stdout) == (0, "")
    assert re.fullmatch(
        f"taciturn: warning: the loss was {ADVICE.format(1, 'initial weights')}'adam:clip=1'\n", done.stderr
    )
    model = load("run")
    assert np.abs(model.components_).max() < 10
    assert "at step 1" in model.stopped_


# --- where to write --------------------------------------------------------------------------------------------
NO_FOLDER = ("is not a folder", "choose another place")
NOT_EMPTY = ("which taciturn did not write", "choose another folder")
PLACES = {
    "file/out": NO_FOLDER,
    "file/new/deep/out": NO_FOLDER,
    "/dev/full/out": NO_FOLDER,
    "/proc/out": ("cannot be written: No such file", "choose another place"),
    f"{'long' * 80}/new/out": ("cannot be written: File name too long", "choose another place"),
}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[:20])
@pytest.mark.parametrize("command_name", ["fit", "encode", "denoise", "plot"])
def test_a_place_that_cannot_be_written(runs, here, place, command_name):
    (here / "file").write_text("precious")
    arguments = command(command_name, runs, runs / "rows.npy", place)
    if command_name == "plot":
        arguments = ["plot", "sparsity-loss", "-o", f"{place}.png"]
    fails(arguments, place, *PLACES[place], among=(here, runs))
    if command_name == "fit":
        refuses(fitted(X), lambda model: model.save(place), place, *PLACES[place], error=TaciturnError)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_does_not_take_the_place_of_anything_else(runs, here, overwrite):
    (here / "file").write_text("precious")
    (here / "papers").mkdir()
    (here / "papers" / "draft.txt").write_text("precious")
    flags = ["--overwrite"] if overwrite else []
    for place, words in (("file", ["is not a folder", "choose another name"]), ("papers", NOT_EMPTY)):
        fails([*command("fit", runs, "digits", place), *flags], place, *words, among=(here, runs))


def test_an_existing_run_is_kept_unless_overwritten(runs, here):
    shutil.copytree(runs / "plain", "run")
    arguments = command("fit", runs, runs / "table.csv", "run")
    fails(arguments, "run exists", "choose another folder, or overwrite it (--overwrite", among=(here, runs))
    fails([*arguments, "--overwrite", "--sparse", "kl:7"], "kl: rate=7", code=2, among=(here, runs))
    assert taciturn(*arguments, "--overwrite").exit_code == 0
    assert list(load("run").feature_names_in_) == ["a", "b", "c"]


@pytest.mark.parametrize("command_name", ["encode", "denoise"])
def test_codes_do_not_take_the_place_of_a_folder_or_of_an_unknown_kind(runs, here, command_name):
    (here / "out.npy").mkdir()
    arguments = command(command_name, runs, runs / "rows.npy", "out")
    fails(arguments, "out.npy is not a file", "choose another name", among=(here, runs))
    fails([*arguments[:-1], "new/out.xlsx"], "out.xlsx: ", "known are .npy", code=2, among=(here, runs))
    fails(
        [command_name, "file", *arguments[2:]], "file is not a folder", "name the folder of a run", among=(here, runs)
    )
    with pytest.raises(ArtifactError, match="file is not a folder; name the folder of a run"):
        load("file")


# --- a full disk -----------------------------------------------------------------------------------------------
@pytest.fixture(params=["tmpfs", "limit"])
def disk(request, tmp_path):
    """A folder, and a context in which only so many bytes more can be written into it.

    A tmpfs of that size or, where none may be mounted and for the messages of other systems, a limit on every file.
    """
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options):
        return (
            shutil.which("mount")
            and subprocess.run(
                ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", folder], capture_output=True, check=False
            ).returncode
            == 0
        )

    @contextmanager
    def full_tmpfs(spare):
        free = os.statvfs(folder)
        used = (free.f_blocks - free.f_bfree) * free.f_frsize
        assert mount("remount", f"size={used + spare}")
        yield
        assert mount("remount", "size=4m")

    @contextmanager
    def full_limit(spare):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (min(spare, 40_000), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    mounted = request.param == "tmpfs" and mount("size=4m")
    yield folder, full_tmpfs if mounted else full_limit
    if mounted:
        subprocess.run(["umount", "-l", folder], check=True)


FULL = "cannot be written: "
KIB = 1024


# a run of 30 columns and 100 latents: config.json 4 KiB, the weights 24, the picture 66
@pytest.mark.parametrize("spare", [2 * KIB, 20 * KIB, 40 * KIB, 60 * KIB])
def test_a_full_disk_leaves_no_run_whichever_of_its_files_does_not_fit(disk, tmp_path, spare):
    folder, full = disk
    np.save(tmp_path / "wide.npy", np.random.default_rng(0).random((40, 30)))
    out = folder / "new" / "run"
    with full(spare):
        arguments = ["fit", tmp_path / "wide.npy", "--latents", "100", "--epochs", "1", "-q", "-o", out]
        fails(arguments, f"{out} {FULL}", "choose another place", among=(folder,))


def test_a_full_disk_keeps_the_old_run(disk, runs):
    folder, full = disk
    shutil.copytree(runs / "plain", folder / "run")
    with full(2 * KIB):
        arguments = [*command("fit", runs, runs / "rows.npy", folder / "run"), "--overwrite"]
        fails(arguments, f"{folder / 'run'} {FULL}", "choose another place", among=(folder, runs))
        model = fitted(X)
        refuses(model, lambda model: model.save(folder / "other"), f"other {FULL}", error=TaciturnError)
        refuses(model, lambda model: model.save(folder / "run", overwrite=True), f"run {FULL}", error=TaciturnError)
        assert os.listdir(folder) == ["run"]
    assert load(folder / "run").transform(X).shape == (40, 4)


@pytest.mark.parametrize("ending", [".npy", ".npz", ".csv", ".parquet"])
@pytest.mark.parametrize("command_name", ["encode", "denoise"])
def test_a_full_disk_keeps_the_old_file(disk, runs, tmp_path, command_name, ending):
    folder, full = disk
    np.save(tmp_path / "many.npy", np.random.default_rng(0).random((2000, 3)))
    (folder / f"out{ending}").write_text("old")
    with full(8 * KIB):
        for out in (f"out{ending}", f"new/deep/out{ending}"):
            arguments = [command_name, runs / "plain", tmp_path / "many.npy", "-o", folder / out]
            fails(arguments, f"{folder / out} {FULL}", "choose another place", among=(folder, runs))


def test_a_full_disk_leaves_no_figure(disk, runs):
    folder, full = disk
    with full(4 * KIB):
        arguments = ["plot", "sparsity-loss", "-o", folder / "figure.png"]
        fails(arguments, f"figure.png {FULL}", "choose another place", among=(folder, runs))


# --- Ctrl-C ----------------------------------------------------------------------------------------------------
# a shell that runs the tests in the background has them ignore the signal
INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from taciturn.cli import main
main()
"""


def seen(screen, pattern, seconds=60):
    """All that a terminal shows until the pattern comes, or until the program has ended."""
    shown, end = "", time.monotonic() + seconds
    while not re.search(pattern, shown):
        assert select.select([screen], [], [], max(0, end - time.monotonic()))[0], shown
        try:
            shown += os.read(screen, 4096).decode(errors="replace")
        except OSError:  # Linux raises it when no process has the terminal open any more
            break
    return shown


def test_ctrl_c_at_a_terminal_keeps_the_model_trained_so_far_and_prints_where(tmp_path):
    out = tmp_path / "new" / "run"
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "fit", "digits", "--latents", "8", "--epochs", "1000000", "-o", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "300", "OMP_NUM_THREADS": "1"},
    )
    os.close(terminal)
    try:
        seen(screen, r"loss \d")  # the bar shows a loss: it is training
        process.send_signal(signal.SIGINT)
        shown = seen(screen, "(?!)")
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.wait()
        os.close(screen)
    assert "Traceback" not in shown
    model = load(out)
    assert re.fullmatch(r"interrupted in epoch \d+ of 1000000", model.stopped_)
    assert f"taciturn: {model.stopped_}; the model trained until then is in {out}" in shown
    recorded = len(model.history_.steps["loss"])
    assert model._learner.steps_done - recorded in (0, 1)  # it may come between a step and its record
    assert recorded > 0
    assert [file.name for file in out.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("command_name", ["encode", "denoise"])
def test_ctrl_c_while_writing_leaves_the_old_file(runs, here, monkeypatch, command_name):
    from taciturn import inference

    function = {"encode": "features", "denoise": "denoise"}[command_name]
    real = getattr(inference, function)

    def interrupted(*arguments, **options):
        yield from real(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(inference, function, interrupted)
    (here / "out.npy").write_text("old")
    for out in ("out", "new/out"):
        arguments = command(command_name, runs, runs / "rows.npy", out)
        fails(arguments, "interrupted; nothing was written", code=130, among=(here, runs))
