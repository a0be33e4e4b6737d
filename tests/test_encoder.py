"""Encoder: a saved model on batches of an engine. Expected values are what the command line writes for all rows."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

import taciturn
from commandline import run
from taciturn import AutoencoderOutlierDetector, DenoisingAutoencoder, DenoisingImputer, DictionaryAutoencoder, Encoder
from taciturn.core.errors import ArtifactError, DataError, DataTypeError, NotNumeric, RecipeError, UnknownColumn
from taciturn.estimators import saved_model

N_ROWS, WIDTH = 300, 8
NAMES = list("abcdefgh")
SIZES = [1, 7, 64, 100, N_ROWS]  # of batches


def drawn(dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal((N_ROWS, WIDTH)).astype(dtype)


def frame(dtype=np.float32):
    return pd.DataFrame(drawn(dtype), columns=NAMES).assign(id=[f"row {i}" for i in range(N_ROWS)])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with models."""
    folder = tmp_path_factory.mktemp("encoder")
    few = {"max_iter": 1, "random_state": 0}
    DictionaryAutoencoder(32, k=4, **few).fit(drawn()).save(folder / "dictionary")
    DenoisingAutoencoder((16, 12), **few).fit(frame()[NAMES]).save(folder / "denoising")
    AutoencoderOutlierDetector(6, **few).fit(frame()[NAMES]).save(folder / "outliers")
    return folder


def batches(table, size):
    return [table[start : start + size] for start in range(0, N_ROWS, size)]


# --- the same bits as the command line, whatever the batches ---------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_codes_of_arrays_have_the_bits_of_the_command(place, tmp_path, size, dtype):
    np.save(tmp_path / "rows.npy", drawn(dtype))
    run("encode", place / "denoising", tmp_path / "rows.npy", "-o", tmp_path / "codes.npy")
    encode = Encoder(place / "denoising")
    codes = np.concatenate([encode(batch) for batch in batches(drawn(dtype), size)])
    np.testing.assert_array_equal(codes, np.load(tmp_path / "codes.npy"))
    assert codes.dtype == dtype


@pytest.mark.parametrize("n_rows", [1, 10, 63, 64, 65])
def test_few_rows_have_the_bits_of_many(place, tmp_path, n_rows):
    """The command too writes the same codes for a row alone, in a small shard and in a large file."""
    whole = Encoder(place / "denoising")(drawn())
    np.save(tmp_path / "rows.npy", drawn()[:n_rows])
    run("encode", place / "denoising", tmp_path / "rows.npy", "-o", tmp_path / "codes.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), whole[:n_rows])
    run("encode", place / "denoising", tmp_path / "rows.npy", "-o", tmp_path / "shards", "--shard-rows", "3")
    shards = [np.load(file) for file in sorted((tmp_path / "shards").glob("*.npy"))]
    np.testing.assert_array_equal(np.concatenate(shards), whole[:n_rows])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("library", ["pandas", "polars", "table", "record batch", "dict"])
def test_tables_keep_their_ids_and_order(place, tmp_path, size, library):
    frame().set_index("id").to_parquet(tmp_path / "rows.parquet")
    run("encode", place / "denoising", tmp_path / "rows.parquet", "-o", tmp_path / "codes.npy")
    mixed = frame()[["id", *NAMES[::-1]]]  # columns are found by their names
    encode = Encoder(place / "denoising", keep="id")
    of = {
        "pandas": lambda table: table,
        "polars": pl.from_pandas,
        "table": lambda table: pa.Table.from_pandas(table, preserve_index=False),
        "record batch": lambda table: pa.RecordBatch.from_pandas(table, preserve_index=False),
        "dict": lambda table: {name: table[name].to_numpy() for name in table},
    }[library]
    given = [of(batch) for batch in batches(mixed, size)]
    got = [encode(batch) for batch in given]
    assert all(isinstance(each, type(given[0])) for each in got)
    if library == "dict":
        names, ids = list(got[0]), np.concatenate([each["id"] for each in got]).tolist()
        codes = np.concatenate([each["codes"] for each in got])
    elif library in ("pandas", "polars"):
        names, ids = list(got[0].columns), [name for each in got for name in each["id"]]
        codes = np.array([row for each in got for row in each["codes"].to_list()], np.float32)
    else:
        names, ids = got[0].schema.names, [name for each in got for name in each.column("id").to_pylist()]
        assert got[0].schema.field("codes").type == pa.list_(pa.float32(), 12)
        codes = np.array([row for each in got for row in each.column("codes").to_pylist()], np.float32)
    assert names == ["id", "codes"]
    assert ids == frame()["id"].tolist()
    np.testing.assert_array_equal(codes, np.load(tmp_path / "codes.npy"))


def test_a_frame_keeps_its_index(place):
    rows = frame().set_index("id")
    assert Encoder(place / "denoising")(rows[5:9]).index.tolist() == [f"row {i}" for i in range(5, 9)]


@pytest.mark.parametrize("size", SIZES)
def test_sparse_codes_are_the_table_that_the_command_writes(place, tmp_path, size):
    frame().set_index("id").to_parquet(tmp_path / "rows.parquet")
    run("encode", place / "dictionary", tmp_path / "rows.parquet", "-o", tmp_path / "codes.parquet", "--sparse")
    expected = pq.read_table(tmp_path / "codes.parquet")
    encode = Encoder(place / "dictionary", columns=NAMES, keep="id", sparse=True)
    table = pa.Table.from_pandas(frame(), preserve_index=False)
    got = pa.concat_tables([encode(table[start : start + size]) for start in range(0, N_ROWS, size)])
    assert got.schema.names == ["id", "indices", "values"]
    assert got.schema.metadata[b"n_columns"] == b"32"
    assert got.cast(expected.schema).equals(expected)
    of_dict = encode({name: frame()[name].to_numpy()[:10] for name in frame()})
    assert [row.tolist() for row in of_dict["indices"]] == expected["indices"][:10].to_pylist()
    assert [row.tolist() for row in of_dict["values"]] == expected["values"][:10].to_pylist()


def test_sparse_codes_of_an_array_are_a_csr_array(place):
    codes = Encoder(place / "dictionary", sparse=True)(drawn())
    assert isinstance(codes, sparse.csr_array)
    np.testing.assert_array_equal(codes.toarray(), Encoder(place / "dictionary")(drawn()))
    of_sparse_rows = Encoder(place / "dictionary", sparse=True)(sparse.csr_array(drawn()))
    np.testing.assert_array_equal(of_sparse_rows.toarray(), codes.toarray())


@pytest.mark.parametrize("size", SIZES)
def test_a_column_of_vectors_is_the_row(place, size):
    expected = Encoder(place / "dictionary")(drawn())
    encode = Encoder(place / "dictionary", keep=["id"])
    vectors = {"id": np.arange(N_ROWS), "row": drawn()}
    got = [
        encode({name: each[start : start + size] for name, each in vectors.items()}) for start in range(0, N_ROWS, size)
    ]
    np.testing.assert_array_equal(np.concatenate([each["codes"] for each in got]), expected)
    listed = pa.table({"id": pa.array(vectors["id"]), "row": pa.array(list(drawn()))})
    np.testing.assert_array_equal(encode(listed)["codes"].combine_chunks().flatten().to_numpy(), expected.ravel())


@pytest.mark.parametrize("outputs", ["hidden", "input+codes"])
def test_other_outputs_are_features(place, outputs):
    expected = taciturn.load(place / "denoising").set_params(outputs=outputs).transform(frame()[NAMES])
    got = Encoder(place / "denoising", outputs=outputs)({name: frame()[name].to_numpy() for name in NAMES})
    np.testing.assert_array_equal(got["features"], expected)


# --- other methods ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", SIZES)
def test_denoised_columns_are_those_of_the_command(place, tmp_path, size):
    frame().set_index("id").to_parquet(tmp_path / "rows.parquet")
    run("denoise", place / "denoising", tmp_path / "rows.parquet", "-o", tmp_path / "clean.parquet")
    expected = pd.read_parquet(tmp_path / "clean.parquet")
    denoise = Encoder(place / "denoising", "denoise", keep="id")
    got = pd.concat([denoise(batch) for batch in batches(frame(), size)])
    pd.testing.assert_frame_equal(
        got.set_index("id"), expected, check_names=False, check_index_type=False, check_exact=True
    )


def test_images_stay_images(tmp_path):
    images = drawn().reshape(N_ROWS, 2, 4)
    DenoisingAutoencoder(6, max_iter=1, random_state=0).fit(drawn()).save(tmp_path / "run")
    denoise = Encoder(tmp_path / "run", "denoise")
    assert denoise(images).shape == images.shape
    np.testing.assert_array_equal(denoise({"image": images})["image"], denoise(images))


def test_only_missing_values_are_imputed(place):
    rows = drawn()
    rows[::3, 2] = np.nan
    expected = taciturn.load(place / "denoising").impute(pd.DataFrame(rows, columns=NAMES))
    got = Encoder(place / "denoising", "impute")(pd.DataFrame(rows, columns=NAMES))
    pd.testing.assert_frame_equal(got, pd.DataFrame(expected, columns=NAMES), check_exact=True)


def test_an_imputer_imputes(tmp_path):
    rows = drawn(np.float64)
    rows[::3, 2] = np.nan
    imputer = DenoisingImputer(8, max_iter=1, random_state=0).fit(rows)
    imputer.save(tmp_path / "imputer")
    np.testing.assert_array_equal(Encoder(tmp_path / "imputer", "impute")(rows), imputer.transform(rows))
    with pytest.raises(RecipeError, match="holds a DenoisingImputer; give method='impute'"):
        Encoder(tmp_path / "imputer")(rows)


@pytest.mark.parametrize("size", SIZES)
def test_scores_are_those_of_the_command(place, tmp_path, size):
    frame().set_index("id").to_parquet(tmp_path / "rows.parquet")
    run("score", place / "outliers", tmp_path / "rows.parquet", "-o", tmp_path / "scores.parquet")
    expected = pd.read_parquet(tmp_path / "scores.parquet")[["score", "p_value", "outlier"]]
    score = Encoder(place / "outliers", "score", keep="id")
    got = pd.concat([score(batch) for batch in batches(frame(), size)])
    pd.testing.assert_frame_equal(got.set_index("id"), expected, check_names=False, check_index_type=False, rtol=1e-12)


def test_a_table_of_mixed_columns(tmp_path):
    colours = np.array(["red", "blue", None], dtype=object)
    table = pd.DataFrame({"size": drawn()[:, 0], "colour": colours[np.arange(N_ROWS) % 3], "id": np.arange(N_ROWS)})
    DenoisingAutoencoder(6, max_iter=1, random_state=0).fit(table[["size", "colour"]]).save(tmp_path / "run")
    table.drop(columns="id").to_parquet(tmp_path / "rows.parquet")
    run("encode", tmp_path / "run", tmp_path / "rows.parquet", "-o", tmp_path / "codes.npy")
    for given in (table, pa.Table.from_pandas(table), {name: table[name].to_numpy() for name in table}):
        codes = Encoder(tmp_path / "run", keep="id")(given)["codes"]
        rows = codes.to_pylist() if hasattr(codes, "to_pylist") else list(codes)
        np.testing.assert_array_equal(np.array(rows), np.load(tmp_path / "codes.npy"))
    filled = Encoder(tmp_path / "run", "impute", keep="id")(table)
    assert list(filled) == ["id", "size", "colour"]
    assert filled["colour"].notna().all()
    known = table["colour"].notna()
    assert filled["colour"][known].tolist() == table["colour"][known].tolist()
    with pytest.raises(DataError, match="trained on a table of mixed columns"):
        Encoder(tmp_path / "run")(drawn()[:, :2])


# --- empty batches ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["transform", "denoise", "impute"])
def test_a_batch_without_rows_has_the_columns_of_others(place, method):
    encode = Encoder(place / "denoising", method, keep="id")
    table = pa.Table.from_pandas(frame(), preserve_index=False)
    assert encode(table[:0]).schema == encode(table[:5]).schema
    assert len(encode(table[:0])) == 0
    empty = {name: frame()[name].to_numpy()[:0] for name in frame()}
    assert {name: len(each) for name, each in encode(empty).items()} == dict.fromkeys(encode(empty), 0)


def test_an_array_without_rows(place):
    assert Encoder(place / "dictionary")(drawn()[:0]).shape == (0, 32)
    assert Encoder(place / "dictionary", sparse=True)(drawn()[:0]).shape == (0, 32)


# --- pickling and loading --------------------------------------------------------------------------------------------
def test_a_pickle_is_a_path_and_options(place, monkeypatch):
    encode = Encoder(place / "dictionary", keep="id", sparse=True)
    before = pickle.dumps(encode)
    encode({"row": drawn(), "id": np.arange(N_ROWS)})
    assert pickle.dumps(encode) == before
    assert len(before) < 400
    copy = pickle.loads(before)
    np.testing.assert_array_equal(
        copy({"row": drawn()[:3], "id": np.arange(3)})["indices"][0],
        encode({"row": drawn()[:3], "id": [1, 2, 3]})["indices"][0],
    )


def test_the_model_is_loaded_once_in_a_process(place, monkeypatch):
    saved_model._loaded.cache_clear()
    paths = []
    load = taciturn.estimators.load
    monkeypatch.setattr("taciturn.estimators.load", lambda path: paths.append(path) or load(path))
    encoders = [Encoder(place / "denoising", method) for method in ("transform", "denoise")]
    assert paths == []  # at the first batch
    for encode in [*encoders, *map(pickle.loads, map(pickle.dumps, encoders))]:
        encode(drawn())
        encode(drawn())
    assert paths == [str(place / "denoising")]


def test_a_relative_path_is_that_of_the_process_that_made_the_encoder(place, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    encode = pickle.dumps(Encoder("dictionary"))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(encode)(drawn()).shape == (N_ROWS, 32)


def test_unpickling_loads_no_torch(place):
    code = "import pickle, sys; pickle.loads(bytes.fromhex(sys.argv[1])); print('torch' in sys.modules)"
    pickled = pickle.dumps(Encoder(place / "dictionary")).hex()
    done = subprocess.run(
        [sys.executable, "-c", code, pickled], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.split() == ["False"]


# --- bad input -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (
            {"id": ["x"], "a": [1.0]},
            UnknownColumn,
            r"batch 1 of this process, from id = x: no column 'b'; there are: 'id', 'a'",
        ),
        (frame().drop(columns="id"), UnknownColumn, r"batch 1 of this process: no column 'id'; nearest: 'd'"),
        (
            frame().assign(c="text"),
            NotNumeric,
            r"batch 1 of this process, from id = row 0: column 'c' \(.*\) is not numeric",
        ),
        (frame().assign(c=np.inf)[3:], DataError, r"from id = row 3: 297 values in 297 of 297 rows are infinite"),
        (drawn()[:, :5], DataError, r"batch 1 of this process: a row has 5 numbers, but .*denoising was trained on 8"),
        (
            [[1.0] * 8],
            DataTypeError,
            r"the batch is a list; give an array, a dict of arrays, an Arrow table or a frame",
        ),
        ({"id": [1, 2], **{name: np.array([[1.0, "x"]], object) for name in NAMES}}, DataError, r"column 'a'"),
    ],
)
def test_bad_batches(place, batch, error, message):
    with pytest.raises(error, match=message) as raised:
        Encoder(place / "denoising", keep="id")(batch)
    assert "\n" not in str(raised.value)


def test_bad_options(place, tmp_path):
    with pytest.raises(RecipeError, match="method='encode' must be one of 'transform', 'denoise', 'impute', 'score'"):
        Encoder(place / "dictionary", "encode")
    with pytest.raises(RecipeError, match=r"dictionary holds a DictionaryAutoencoder, which has no scores"):
        Encoder(place / "dictionary", "score")(drawn())
    with pytest.raises(RecipeError, match="outputs='code' must be"):
        Encoder(place / "dictionary", outputs="code")(drawn())
    with pytest.raises(ArtifactError, match="nothing is not a folder"):
        Encoder(tmp_path / "nothing")(drawn())
    with pytest.raises(DataError, match="column 'codes' is kept, but the result has one of this name; rename it"):
        Encoder(place / "dictionary", keep="codes")({"row": drawn(), "codes": np.arange(N_ROWS)})
