"""Rows from arrays and files, against bytes written by hand and the readers and writers of NumPy and pandas."""

import decimal
import gzip
import io
import os
import re
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from contextlib import suppress

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from taciturn.core.errors import DataError, RecipeError, TaciturnError, TaciturnWarning
from taciturn.data.sources import (
    Rows,
    Subset,
    check_finite,
    integers_of,
    open_path,
    read_labels,
    read_table,
    select,
    write_path,
    write_sparse,
)


def all_rows(source):
    return source.read(0, len(source))


def fails(path, *fragments, error=DataError, **options):
    """Opening the path must fail in one line that names it and holds the fragments."""
    with pytest.raises(error) as caught:
        open_path(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    for fragment in (os.fspath(path).split(".npz:")[0], *fragments):
        assert fragment in message, message


# --- Rows -------------------------------------------------------------------------------------------------


def test_an_array_is_not_copied():
    array = np.arange(24.0).reshape(4, 3, 2)
    rows = Rows(array)
    assert (len(rows), rows.shape, rows.dtype, rows.columns) == (4, (3, 2), np.float64, None)
    block = rows.read(1, 3)
    assert np.shares_memory(block, array)
    assert_array_equal(block, [[6, 7, 8, 9, 10, 11], [12, 13, 14, 15, 16, 17]])
    assert_array_equal(rows.take(np.array([3, 0])), [[18, 19, 20, 21, 22, 23], [0, 1, 2, 3, 4, 5]])


def test_any_layout_gives_the_same_rows():
    array = np.arange(24).reshape(4, 3, 2)
    for other in (np.asfortranarray(array), array.astype(">i8"), array[::-1][::-1], array.tolist()):
        rows = Rows(other)
        assert rows.dtype == rows.read(0, 2).dtype == np.int64
        assert rows.read(0, 2).dtype.isnative
        assert_array_equal(rows.read(1, 9), array[1:].reshape(3, 6))
        assert_array_equal(rows.take([2, 2]), array[[2, 2]].reshape(2, 6))


def test_a_shape_may_be_given_and_one_axis_is_one_column():
    assert Rows(np.zeros((5, 64)), shape=(8, 8)).shape == (8, 8)
    single = Rows(np.arange(3))
    assert (single.shape, single.read(1, 3).tolist()) == ((1,), [[1], [2]])
    assert Rows(np.zeros((0, 2, 2))).read(0, 5).shape == (0, 4)


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (["a"], {}, "not <U1; encode them"),
        ([None], {}, "not object"),
        ([1j], {}, "not complex128"),
        (3.0, {}, "not one number"),
        ([[1, 2]], {"shape": (3,)}, r"shape=\(3,\) does not fit a row of 2 numbers; give another"),
        ([[1, 2]], {"columns": ("a",)}, "1 names were given for 2 columns"),
    ],
)
def test_arrays_that_are_not_rows_are_refused(array, options, message):
    with pytest.raises(DataError, match=message):
        Rows(np.array(array), **options)


# --- select -----------------------------------------------------------------------------------------------

ABC = Rows(np.array([[1, 2, 3], [4, 5, 6]]), columns=("a", "b", "c"))
PLAIN = Rows(np.array([[1, 2, 3], [4, 5, 6]]))


@pytest.mark.parametrize(
    ("source", "columns", "drop", "names", "first"),
    [
        (ABC, ["c", "a"], None, ("c", "a"), [3, 1]),
        (ABC, None, ["b"], ("a", "c"), [1, 3]),
        (ABC, ["c", "b", "a"], ["b"], ("c", "a"), [3, 1]),
        (ABC, "b", None, ("b",), [2]),
        (PLAIN, ["2", 0], None, None, [3, 1]),
        (PLAIN, None, 0, None, [2, 3]),
    ],
)
def test_columns_are_selected_in_the_requested_order(source, columns, drop, names, first):
    chosen = select(source, columns, drop)
    assert (chosen.columns, chosen.shape, len(chosen)) == (names, (len(first),), 2)
    assert chosen.dtype == source.dtype
    assert chosen.read(0, 1).tolist() == [first]
    assert chosen.take(np.array([1, 0]))[1].tolist() == first


def test_neighbouring_columns_are_a_view_and_no_selection_is_the_source():
    assert np.shares_memory(select(ABC, ["b", "c"]).read(0, 2), ABC.array)
    assert select(ABC) is ABC


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (ABC, {"columns": ["A"]}, "no column 'A'; nearest: 'a'$"),
        (ABC, {"drop": ["zzz"]}, "no column 'zzz'; there are: 'a', 'b', 'c'$"),
        (PLAIN, {"columns": [3]}, "no column '3'; the columns have no names, only numbers: 0 to 2$"),
        (PLAIN, {"columns": [-1]}, "no column '-1'"),
        (ABC, {"columns": ["a", "a"]}, "column 'a' is selected twice; name it once"),
        (ABC, {"drop": ["a", "b", "c"]}, "no column is left"),
        (Rows(np.zeros((1, 2)), columns=("a", "a")), {"drop": "a"}, "two columns are called 'a'; rename one"),
    ],
)
def test_an_impossible_selection_is_refused_with_the_reason(source, options, message):
    with pytest.raises(DataError, match=message):
        select(source, **options)


# --- .npy and .npz ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", "<f4", ">f8", "?"])
def test_npy_is_a_memory_map(tmp_path, order, dtype):
    array = np.asarray(np.arange(24).reshape(4, 3, 2) % 5, dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    source = open_path(tmp_path / "a.npy")
    assert isinstance(source.array.base, np.memmap)
    assert (source.shape, len(source)) == ((3, 2), 4)
    assert_array_equal(all_rows(source), array.reshape(4, 6))


def test_npz_by_key(tmp_path):
    x, y = np.arange(6.0).reshape(3, 2), np.arange(3)
    np.savez(tmp_path / "one.npz", x=x)
    np.savez_compressed(tmp_path / "two.npz", x=x, y=y)
    assert_array_equal(all_rows(open_path(tmp_path / "one.npz")), x)
    assert_array_equal(all_rows(open_path(f"{tmp_path}/two.npz:x", columns=[1])), x[:, 1:])
    fails(tmp_path / "two.npz", "holds 'x', 'y'; name one array: two.npz:x")
    fails(f"{tmp_path}/two.npz:z", "no array 'z'; the archive holds 'x', 'y'")
    np.savez(tmp_path / "none.npz")
    fails(tmp_path / "none.npz", "holds nothing")


def test_objects_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was run",))

    array = np.array([Bomb()], dtype=object)
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    np.savez(tmp_path / "a.npz", x=array)
    for name in ("a.npy", "a.npz", "a.npz:x"):
        fails(f"{tmp_path}/{name}", "Python objects, not numbers")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.npz:rows", "a.csv", "a.parquet", "a.idx", "a-ubyte.gz"])
@pytest.mark.parametrize("content", [b"", b"\0" * 9, b"\x93NUMPY", b"PK\3\4", b"PAR1", b"\x1f\x8b\x08", b"\xff"])
def test_broken_bytes_are_one_line(tmp_path, name, content):
    (tmp_path / name.split(":")[0]).write_bytes(content)
    fails(f"{tmp_path}/{name}")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.csv", "a.parquet", "a-idx2-ubyte", "a.idx.gz"])
def test_a_file_cut_anywhere_is_one_line_or_fewer_rows(tmp_path, name):
    path = tmp_path / name
    array = np.arange(40.0).reshape(20, 2)
    if "idx" in name:
        content = idx_bytes(0x0E, array.shape, ">40d", *array.ravel())
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    else:
        write_path(path, [array], n_rows=20, columns=("p", "q"))
    content = path.read_bytes()
    assert len(open_path(path)) == 20
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        if name == "a.csv":  # text does not store its length: a cut between two lines cannot be detected
            with suppress(DataError):
                assert len(open_path(path)) <= 20
        else:
            fails(path)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j]), np.array(1.0), np.zeros(1, "f8,i4")])
def test_npy_without_numbers(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    fails(tmp_path / "a.npy", "rows must")


# --- .csv -------------------------------------------------------------------------------------------------


def csv_file(tmp_path, text, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("a,b\n1,2\n3,4\n", ("a", "b"), [[1, 2], [3, 4]]),
        ("1,2\n3,4", None, [[1, 2], [3, 4]]),
        ("1,b\n3,4\n", ("1", "b"), [[3, 4]]),
        ("\n\na,b\r\n1,2.5e-3\r\n", ("a", "b"), [[1, 0.0025]]),
        ("\ufeffa,b\n1,2\n", ("a", "b"), [[1, 2]]),
        ('"a\nz","b,c"\n"1",-2\n\n', ("a\nz", "b,c"), [[1, -2]]),
        ("a\n1\n0.5\n", ("a",), [[1], [0.5]]),
        (" 1, +2\n-inf,1.\n", None, [[1, 2], [-np.inf, 1]]),
        ("a,b\n,NA\nNaN,1\n", ("a", "b"), [[np.nan, np.nan], [np.nan, 1]]),
        (",NA\n1,2\n", None, [[np.nan, np.nan], [1, 2]]),
        ("größe\n1\n", ("größe",), [[1]]),
    ],
)
def test_csv_by_hand(tmp_path, text, columns, rows):
    source = open_path(csv_file(tmp_path, text))
    assert (source.columns, source.dtype) == (columns, np.float64)
    assert_array_equal(all_rows(source), rows)


def test_csv_that_pandas_wrote(tmp_path):
    # Whole numbers first and fractions after pyarrow's first block: the type must not be guessed from it.
    values = np.random.default_rng(0).normal(size=(2000, 30))
    values[:1900] = values[:1900].round()
    values[7, 3] = np.nan
    frame = pd.DataFrame(values, columns=[f"c{i}" for i in range(30)])
    frame.to_csv(tmp_path / "a.csv", index=False)
    source = open_path(tmp_path / "a.csv", columns=["c3", "c29"])
    assert_array_equal(all_rows(source), frame[["c3", "c29"]].to_numpy())


def test_csv_longer_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr("taciturn.data.sources.csv_columns.LINE_BYTES", 1000)
    frame = pd.DataFrame({"x": range(1000), "word": "two\nlines", "y": 0.5})
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert_array_equal(all_rows(open_path(tmp_path / "a.csv", drop="word")), frame[["x", "y"]].to_numpy())


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("", ["is empty"]),
        ("\n\n", ["is empty"]),
        ("a,b\n", ["no rows"]),
        ("a,b\n1,2\n\n3,4,5\n", ["line 4 has 3 cells, the first 2"]),
        ("1,2\n3\n", ["line 2 has 1 cells, the first 2"]),
        (
            "a,b c\n1,2\n3,x\n",
            ["column 'b c' (line 3: 'x') is not numeric; drop it (--drop 'b c') or encode it as numbers"],
        ),
        (
            "a,b,c\n1,2,no\n3,red,yes\n4,blue,5\n",
            ["columns 'b' (line 3: 'red'), 'c' (line 2: 'no') are not numeric; drop them (--drop b --drop c) or"],
        ),
        ("1,2\n3,x\n", ["column '1' (line 2: 'x')"]),
        ("1_0,2\n3,4\n5,1_0\n", ["column '2' (line 3: '1_0')"]),
        ('a,b\n"x\ny",2\n1,z\n', ["'a' (line 3: 'x\\ny'), 'b' (line 4: 'z')"]),
        ("a,a\n1,2\n", ["two columns are called 'a'"]),
        (b"a,b\n1,\xff\n", ["'b' (line 2: 'ÿ')"]),
        (b"a,b\n1,\xff\0\n", ["the file is not text: it holds the byte 0x00; check its ending"]),
        ("a,b\n1,True\n2,5\n", ["'b' (line 2: 'True')"]),
    ],
)
def test_the_error_of_an_unreadable_csv_names_the_line(tmp_path, text, fragments):
    fails(csv_file(tmp_path, text), *fragments)


def test_dropped_columns_may_hold_any_text(tmp_path):
    path = csv_file(tmp_path, 'a,word,b\n1,"two\nlines",2\n3,ÿ,4\n')
    source = open_path(path, drop="word")
    assert source.columns == ("a", "b")
    assert_array_equal(all_rows(source), [[1, 2], [3, 4]])
    assert_array_equal(all_rows(open_path(path, columns=["b", "a"])), [[2, 1], [4, 3]])
    fails(path, "no column 'wort'; nearest: 'word'", drop=["wort"])


# --- .parquet ---------------------------------------------------------------------------------------------


def test_parquet_that_pandas_wrote(tmp_path):
    frame = pd.DataFrame(
        {
            "int": pd.array([1, None, 2**31], "Int64"),
            "byte": np.array([1, 2, 255], np.uint8),
            "bool": [True, False, True],
            "maybe": pd.array([True, None, False], "boolean"),
            "float": np.array([0.5, np.nan, 3], np.float32),
            "half": np.array([0.5, 1, 2], np.float16),
            "none": [None, None, None],
            "a.b": [1, 2, 3],
            "a": [4, 5, 2**53 + 1],
        }
    )
    frame.index = [5, 7, 8]  # stored as a column, which is not a feature
    frame.to_parquet(tmp_path / "a.parquet", row_group_size=2)
    source = open_path(tmp_path / "a.parquet")
    assert source.columns == tuple(frame)
    assert_array_equal(all_rows(source), frame.astype(float).to_numpy())
    assert_array_equal(
        all_rows(open_path(tmp_path / "a.parquet", columns=["a", "byte"])), [[4, 1], [5, 2], [2**53, 255]]
    )
    assert open_path(tmp_path / "a.parquet", columns=["maybe", "byte", "half"]).dtype == np.float32
    assert open_path(tmp_path / "a.parquet", columns=["byte", "a"]).dtype == np.float64


def test_parquet_of_several_batches(tmp_path):
    frame = pd.DataFrame({"x": np.arange(150_000), "y": 1})
    frame.to_parquet(tmp_path / "a.parquet")
    assert_array_equal(all_rows(open_path(tmp_path / "a.parquet")), frame.to_numpy())


def test_the_error_for_parquet_names_the_columns_that_are_not_numeric(tmp_path):
    frame = pd.DataFrame({"x": [1.0], "word": ["a"], "day": [pd.Timestamp(0)], "kind": pd.Categorical(["u"])})
    frame.to_parquet(tmp_path / "a.parquet")
    fails(tmp_path / "a.parquet", "'word' (", "'day' (timestamp", "'kind' (dictionary", "--drop word --drop day")
    assert_array_equal(all_rows(open_path(tmp_path / "a.parquet", drop=["word", "day", "kind"])), [[1]])


# --- IDX --------------------------------------------------------------------------------------------------


def idx_bytes(code, shape, layout, *numbers):
    return struct.pack(f">4B{len(shape)}I", 0, 0, code, len(shape), *shape) + struct.pack(layout, *numbers)


@pytest.mark.parametrize(
    ("code", "layout", "numbers", "dtype"),
    [
        (0x08, ">4B", (0, 1, 254, 255), "u1"),
        (0x09, ">4b", (0, 1, -128, 127), "i1"),
        (0x0B, ">4h", (0, 1, -2, 258), "i2"),
        (0x0C, ">4i", (0, 1, -2, 65538), "i4"),
        (0x0D, ">4f", (0, 1, -2.5, 0.125), "f4"),
        (0x0E, ">4d", (0, 1, -2.5, 0.1), "f8"),
    ],
)
def test_idx_of_every_type(tmp_path, code, layout, numbers, dtype):
    content = idx_bytes(code, (2, 1, 2), layout, *numbers)
    for name, packed in [
        ("train-images-idx3-ubyte", content),
        ("train-images.idx3-ubyte.gz", gzip.compress(content, mtime=0)),
        ("rows.idx", content),
        ("unpacked-idx3-ubyte.gz", content),
    ]:
        (tmp_path / name).write_bytes(packed)
        source = open_path(tmp_path / name)
        assert (source.shape, source.dtype) == ((1, 2), np.dtype(dtype))
        assert all_rows(source).tolist() == [list(numbers[:2]), list(numbers[2:])]


def test_idx_as_the_specification_prints_it(tmp_path):
    # Two images of 2 × 3, byte by byte.
    (tmp_path / "a.idx").write_bytes(bytes.fromhex("00000803 00000002 00000002 00000003 000102030405 06070809ff0b"))
    source = open_path(tmp_path / "a.idx")
    assert source.shape == (2, 3)
    assert all_rows(source).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 255, 11]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"", mtime=0), "starts with nothing"),
        (bytes.fromhex("00000801"), "cut off after 4 of 8 bytes"),
        (bytes.fromhex("00000a01 00000000"), "starts with 00 00 0a 01"),
        (bytes.fromhex("00000800"), "not an IDX file"),
        (bytes.fromhex("00000801 00000003 0102"), "10 bytes where shape (3,) requires 11"),
        (bytes.fromhex("00000801 00000003 01020304"), "more than 11 bytes where shape (3,) requires 11"),
        (bytes.fromhex("00000803 ffffffff ffffffff ffffffff"), "download the file again"),
        (gzip.compress(bytes.fromhex("00000801 00000003 010203"), mtime=0)[:-9], "cannot be read as .idx"),
    ],
)
def test_broken_idx(tmp_path, content, message):
    (tmp_path / "a.idx").write_bytes(content)
    fails(tmp_path / "a.idx", message)


# --- open_path -------------------------------------------------------------------------------------------


def test_files_that_cannot_be_opened(tmp_path):
    fails(tmp_path / "a.npy", "no such file")
    with pytest.raises(DataError, match=f"^{re.escape(str(tmp_path))}/aa[^ ]*…: File name too long; correct the name$"):
        open_path(tmp_path / f"{'a' * 300}.npy")
    fails(tmp_path / "a.pdf", "known are .npy, .npz", error=RecipeError)
    fails(f"{tmp_path}/a.npz:", "known are", error=RecipeError)
    (tmp_path / "folder.npy").mkdir()
    fails(tmp_path / "folder.npy", "is a folder")
    np.save(tmp_path / "zero.npy", np.zeros((0, 5)))
    fails(tmp_path / "zero.npy", "no rows")


def test_endings_in_capitals(tmp_path):
    path = csv_file(tmp_path, "1,2\n", name="A.CSV")
    assert len(open_path(path)) == 1


def test_reading_numpy_rows_does_not_load_pyarrow():
    code = "import sys, taciturn.data.sources as s; sys.exit('pyarrow' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- writing ----------------------------------------------------------------------------------------------

READERS = {
    ".npy": np.load,
    ".npz": lambda path: np.load(path)["rows"],
    ".csv": lambda path: pd.read_csv(path, header=None).to_numpy(),
    ".tsv": lambda path: pd.read_csv(path, header=None, sep="\t").to_numpy(),
    ".tab": lambda path: pd.read_csv(path, header=None, sep="\t").to_numpy(),
    ".txt": lambda path: pd.read_csv(path, header=None).to_numpy(),
    ".csv.gz": lambda path: pd.read_csv(path, header=None).to_numpy(),
    ".csv.bz2": lambda path: pd.read_csv(path, header=None).to_numpy(),
    ".tsv.xz": lambda path: pd.read_csv(path, header=None, sep="\t").to_numpy(),
    ".parquet": lambda path: pd.read_parquet(path).to_numpy(),
    ".feather": lambda path: pd.read_feather(path).to_numpy(),
    ".arrow": lambda path: pd.read_feather(path).to_numpy(),
}


def blocks_of(array):
    """Unequal blocks, one of them empty."""
    yield from (array[:3], array[3:3], array[3:4], array[4:])


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", ">f4", "u1", "i8", "?"])
def test_other_readers_read_the_written_file(tmp_path, ending, dtype):
    array = np.random.default_rng(1).normal(size=(9, 4)).astype(dtype)
    path = tmp_path / f"new/rows{ending}"
    write_path(path, blocks_of(array), n_rows=9)
    back = np.asarray(READERS[ending](path), dtype=array.dtype)
    assert_array_equal(back, array)
    assert_array_equal(all_rows(open_path(path)).astype(array.dtype), array)
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_names_and_missing_cells_are_written(tmp_path, ending):
    array = np.array([[1, np.nan], [0.1, -np.inf]])
    path = tmp_path / f"rows{ending}"
    write_path(path, [array], n_rows=2, columns=('quoted "a", b', "ö"))
    frame = pd.read_csv(path) if ending == ".csv" else pd.read_parquet(path)
    assert list(frame) == ['quoted "a", b', "ö"]
    assert_array_equal(frame.to_numpy(), array)
    source = open_path(path)
    assert source.columns == ('quoted "a", b', "ö")
    assert_array_equal(all_rows(source), array)


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize(
    ("blocks", "options", "message"),
    [
        ([np.zeros((2, 3))], {"n_rows": 3}, "n_rows=3, but the blocks hold 2 rows; give n_rows=2"),
        (
            [np.zeros((2, 3)), np.zeros((1, 2))],
            {"n_rows": 3},
            "follows one of .*; give all blocks the same number of columns",
        ),
        ([np.zeros((2, 3))], {"n_rows": 2, "columns": ("a",)}, "1 names were given for 3 columns"),
        ([np.zeros(3)], {"n_rows": 3}, "flatten"),
        ([], {"n_rows": 0}, "no block"),
    ],
)
def test_blocks_that_do_not_fit_leave_the_old_file(tmp_path, ending, blocks, options, message):
    path = tmp_path / f"rows{ending}"
    path.write_text("old")
    with pytest.raises(DataError, match=message):
        write_path(path, blocks, **options)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [path.name]


def test_an_unknown_ending_is_not_written(tmp_path):
    known = re.escape(
        "known are .npy, .npz, .csv, .tsv, .txt (also .gz, .bz2, .xz, .zst), .parquet, .feather, .arrow, .safetensors"
    )
    for name in ("rows.pdf", "rows.idx", "rows"):
        with pytest.raises(RecipeError, match=f"{known}$"):
            write_path(tmp_path / name, [np.zeros((1, 1))], n_rows=1)


def test_zstandard_is_written(tmp_path):
    write_path(tmp_path / "rows.csv.zst", [np.eye(3)], n_rows=3)
    assert (tmp_path / "rows.csv.zst").read_bytes()[:4] == b"\x28\xb5\x2f\xfd"
    assert_array_equal(all_rows(open_path(tmp_path / "rows.csv.zst")), np.eye(3))


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".feather"])
def test_integers_are_rounded_and_nan_is_missing(tmp_path, ending):
    array, path = np.array([[1.6, 0.5], [np.nan, 2.0], [-2.6, 1e30]]), tmp_path / f"rows{ending}"
    write_path(path, [array[:2], array[2:]], n_rows=3, columns=("a", "b"), integers=[0])
    table = read_table(path)
    assert [str(kind) for kind in table.schema.types] == ["int64", "double"]
    assert table["a"].to_pylist() == [2, None, -3]
    assert table["b"].to_pylist() == [0.5, 2, 1e30]


def test_integers_stay_in_the_range_of_their_type(tmp_path):
    write_path(tmp_path / "a.parquet", [np.array([[1e30], [-np.inf]])], n_rows=2, columns=("a",), integers=[0])
    assert read_table(tmp_path / "a.parquet")["a"].to_pylist() == [2**63 - 1024, -(2**63)]


def test_the_integers_of_a_table_are_known(tmp_path):
    lines = [f"{i},{i}.0,{i / 4},{'' if i % 7 == 1 else -i},{'7.5' if i == 150 else i}" for i in range(200)]
    path = csv_file(tmp_path, "whole,point,fraction,holes,late\n" + "\n".join(lines) + "\n")
    source = open_path(path)
    assert integers_of(source) == [0, 3]
    assert integers_of(select(source, columns=["holes", "late", "whole"])) == [0, 2]
    assert integers_of(Subset(source, np.arange(9))) == [0, 3, 4]  # its own rows decide
    frame = pd.DataFrame({"a": [1, 2], "b": [1.0, 2.0], "c": pd.array([1, None], "Int8"), "d": [True, False]})
    for write in (frame.to_parquet, frame.to_feather):
        write(tmp_path / "table.feather" if write == frame.to_feather else tmp_path / "table.parquet")
    assert integers_of(open_path(tmp_path / "table.parquet")) == [0, 2]
    assert integers_of(open_path(tmp_path / "table.feather")) == [0, 2]


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_memory_is_bounded_by_a_block(tmp_path, ending):
    tracemalloc.start()
    try:
        write_path(tmp_path / f"rows{ending}", (np.ones((100, 1000)) for _ in range(20)), n_rows=2000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 100 * 1000 * 8  # of 16 MB in all


def test_an_archive_is_what_savez_writes(tmp_path):
    array = np.arange(6.0).reshape(3, 2)
    write_path(tmp_path / "rows.npz", [array], n_rows=3)
    np.savez(reference := io.BytesIO(), rows=array)
    reference.seek(0)
    with np.load(tmp_path / "rows.npz") as ours, np.load(reference) as theirs:
        assert ours.files == theirs.files == ["rows"]
        assert_array_equal(ours["rows"], theirs["rows"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_blocks_become_one_array_that_scipy_loads(tmp_path, dtype):
    wanted = sparse.random_array((50, 9), density=0.2, format="csr", dtype=dtype, rng=np.random.default_rng(0))
    blocks = [wanted[:20], wanted[20:20], wanted[20:21], wanted[21:]]
    write_sparse(tmp_path / "new" / "codes.npz", blocks, n_rows=50, n_columns=9)
    loaded = sparse.load_npz(tmp_path / "new" / "codes.npz")
    assert (type(loaded), loaded.shape, loaded.dtype) == (sparse.csr_array, (50, 9), dtype)
    assert_array_equal(loaded.toarray(), wanted.toarray())
    sparse.save_npz(reference := io.BytesIO(), wanted, compressed=False)
    reference.seek(0)
    with np.load(tmp_path / "new" / "codes.npz") as ours, np.load(reference) as theirs:
        assert sorted(ours.files) == sorted(theirs.files)
    assert os.listdir(tmp_path / "new") == ["codes.npz"]


def test_a_failed_write_of_sparse_blocks_leaves_no_file(tmp_path):
    block = sparse.csr_array(np.eye(3, dtype=np.float32))
    with pytest.raises(DataError, match=r"n_rows=5, but the blocks hold 3 rows; give n_rows=3"):
        write_sparse(tmp_path / "codes.npz", [block], n_rows=5, n_columns=3)
    (tmp_path / "file").write_text("")
    with pytest.raises(TaciturnError, match="cannot be written"):
        write_sparse(tmp_path / "file" / "codes.npz", [block], n_rows=3, n_columns=3)
    assert os.listdir(tmp_path) == ["file"]


def test_sparse_blocks_are_written_one_at_a_time(tmp_path):
    def blocks():
        for seed in range(100):
            yield sparse.random_array((1000, 2000), density=0.01, format="csr", dtype=np.float32, rng=seed)

    tracemalloc.start()
    try:
        write_sparse(tmp_path / "codes.npz", blocks(), n_rows=100_000, n_columns=2000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6e6  # of 16 MB in all


# --- the first line of a .csv file ------------------------------------------------------------------------


def lines(*first, n=30, digits=3, low=0.0, high=1.0):
    """A first line and n lines of random numbers below it."""
    numbers = np.random.default_rng(0).uniform(low, high, (n, len(first)))
    return "\n".join(",".join(map(str, row)) for row in [first, *numbers.round(digits).tolist()])


def integers(*first, n=30, high=100):
    numbers = np.random.default_rng(0).integers(0, high, (n, len(first)))
    return "\n".join(",".join(map(str, row)) for row in [first, *numbers.tolist()])


@pytest.mark.parametrize(
    ("text", "columns", "n_rows"),
    [
        (lines(2019, 2020, 2021), ("2019", "2020", "2021"), 30),
        (integers(2019, 2020), ("2019", "2020"), 30),
        (lines(1, 2, 3, 4), ("1", "2", "3", "4"), 30),
        (integers(*range(64), high=17), None, 30),  # as pandas writes columns without names
        (lines(0, 1), None, 30),
    ],
)
def test_numbers_that_count_above_other_numbers_are_names_and_it_is_announced(tmp_path, text, columns, n_rows):
    path = csv_file(tmp_path, text)
    with pytest.warns(TaciturnWarning, match=r"^a.csv: the first line \(.*\) is read as names; .*header=False"):
        source = open_path(path)
    assert (source.columns, len(source)) == (columns, n_rows)
    assert len(open_path(path, header=False, drop=[0])) == n_rows + 1  # and no warning


@pytest.mark.parametrize(
    "text",
    [
        "0,1\n1,0\n0,0\n1,1\n",
        integers(0, 1, high=2),
        "1,2,3\n4,5,6\n7,8,9\n",
        "1990,2001\n1995,2005\n1993,1999\n",
        "2,1\n0.5,0.25\n",
        lines(*np.linspace(0, 1, 5)),
        lines(3, 7, 1),
        "1\n2.5\n0.5\n",
    ],
)
def test_a_first_row_like_the_rows_below_is_a_row(tmp_path, text):
    source = open_path(csv_file(tmp_path, text))
    assert (source.columns, len(source)) == (None, len(text.strip().split("\n")))


@pytest.mark.parametrize("text", [lines(0, 1, n=5), integers(1, 2, 3, 4, 5), "name,1\nfoo,2\nbar,3\n"])
def test_a_first_row_that_may_be_names_is_a_row_and_it_is_announced(tmp_path, text):
    path = csv_file(tmp_path, text)
    with pytest.warns(TaciturnWarning, match="is read as a row; if that is wrong, give header=True"):
        assert len(open_path(path, drop=[0])) == len(text.strip().split("\n"))
    assert len(open_path(path, header=True, columns=[1])) == len(text.strip().split("\n")) - 1


def test_a_first_row_with_a_word_of_a_row_below_is_a_row(tmp_path):
    source = open_path(csv_file(tmp_path, "5.1,3.5,setosa\n4.9,3,setosa\n6,2.9,virginica\n"), drop="2")
    assert all_rows(source).tolist() == [[5.1, 3.5], [4.9, 3], [6, 2.9]]


def test_selected_names_make_a_header(tmp_path):
    path = csv_file(tmp_path, "2019,2020\n2,1\n")
    assert open_path(path, columns="2020").read(0, 9).tolist() == [[1]]


def test_an_empty_line_of_one_column_is_a_missing_cell(tmp_path):
    assert_array_equal(all_rows(open_path(csv_file(tmp_path, "x\n1\n\n3\n"))), [[1], [np.nan], [3]])
    assert_array_equal(all_rows(open_path(csv_file(tmp_path, "a,b\n1,2\n\n3,4\n"))), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\nTrue,1\nFalse,2\n", [[1, 1], [0, 2]]),
        ("True,1\nFalse,2\nTrue,5\n", [[1, 1], [0, 2], [1, 5]]),
        ("a,b\nTrue,false\n,true\n", [[1, 0], [np.nan, 1]]),
    ],
)
def test_true_and_false_are_1_and_0(tmp_path, monkeypatch, text, rows):
    assert_array_equal(all_rows(open_path(csv_file(tmp_path, text))), rows)
    monkeypatch.setattr("taciturn.data.sources.csv._ARROW_COLUMNS", 1)
    assert_array_equal(all_rows(open_path(csv_file(tmp_path, text))), rows)


def test_wide_tables_are_read_line_by_line(tmp_path, monkeypatch):
    text = "a,b,c\n1,,x\n-2.5e3,NaN,y\n"
    wanted = [[1, np.nan], [-2500, np.nan]]
    assert_array_equal(all_rows(open_path(csv_file(tmp_path, text), drop="c")), wanted)
    monkeypatch.setattr("taciturn.data.sources.csv._ARROW_COLUMNS", 2)
    assert_array_equal(all_rows(open_path(csv_file(tmp_path, text), drop="c")), wanted)
    fails(csv_file(tmp_path, text), "column 'c' (line 2: 'x')")
    fails(csv_file(tmp_path, "a,b,c\n1,2,3\n1,2\n"), "line 3 has 2 cells, the first 3")
    fails(csv_file(tmp_path, "a,b,c\n1,2,1_0\n"), "column 'c' (line 2: '1_0')")


# --- labels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("cat\ndog\ncat\n", ["cat", "dog", "cat"]),
        ("kind\ncat\ndog\n", ["cat", "dog"]),
        ("1\n2\n1\n", [1, 2, 1]),
        ("cat\n\ndog\ncat\n", ["cat", None, "dog", "cat"]),
        ("y\nNA\ncat\n", [None, "cat"]),
        ("y\n2020-01-01\n", ["2020-01-01"]),
        ("y\n1.5\nx\n", ["1.5", "x"]),
        ("y\nTrue\nFalse\n", [True, False]),
    ],
)
def test_no_label_of_a_file_is_lost(tmp_path, text, labels):
    assert read_labels(csv_file(tmp_path, text)).tolist() == labels


def test_missing_numbers_among_labels_are_nan(tmp_path):
    assert_array_equal(read_labels(csv_file(tmp_path, "0\n1\n\n1\n")), [0, 1, np.nan, 1])


def test_a_label_file_of_several_columns(tmp_path):
    path = csv_file(tmp_path, "a,kind\n1,cat\n2,dog\n")
    assert read_labels(path, column="kind").tolist() == ["cat", "dog"]
    with pytest.raises(DataError, match="there are 2 columns, 'a', 'kind'; name the one with the labels"):
        read_labels(path)
    with pytest.raises(DataError, match=r"a.csv: line 3 has 3 cells, the first 2"):
        read_labels(csv_file(tmp_path, "a,kind\n1,cat\n2,dog,5\n"), column="kind")


# --- damage and attacks (benchmarks/damage_files.py has 3,000 more) -------------------------------------------


def peak_of(path):
    """The message for a file, and the most bytes that Python and NumPy held while it was read."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            open_path(path)
        return str(caught.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_bomb_is_not_unpacked_beyond_its_declared_shape(tmp_path):
    zeros = gzip.compress(bytes.fromhex("00000801 00000004") + bytes(10**8), mtime=0)
    (tmp_path / "a.idx.gz").write_bytes(zeros)
    message, peak = peak_of(tmp_path / "a.idx.gz")
    assert "more than 12 bytes where shape (4,) requires 12" in message
    assert peak < 10**6
    (tmp_path / "b.idx.gz").write_bytes(gzip.compress(bytes.fromhex("00000802 ffffffff ffffffff"), mtime=0))
    message, peak = peak_of(tmp_path / "b.idx.gz")
    assert "requires 18446744065119617037" in message
    assert peak < 10**6


def test_a_header_of_2_gb_is_not_read(tmp_path):
    header = b"\x93NUMPY\2\0" + (2**31 - 1).to_bytes(4, "little")
    (tmp_path / "a.npy").write_bytes(header)
    os.truncate(tmp_path / "a.npy", 2**31)  # sparse: takes no space
    message, peak = peak_of(tmp_path / "a.npy")
    assert "its header is 2,147,483,647 bytes long" in message
    assert peak < 10**6
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header + bytes(10**8))
    message, peak = peak_of(tmp_path / "a.npz")
    assert "its header is 2,147,483,647 bytes long" in message
    assert peak < 10**6


def test_an_array_and_its_declared_shape_must_agree(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 2)))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(4, 2)", b"(9, 2)"))
    fails(tmp_path / "a.npy", "192 bytes where shape (9, 2) requires 272; the file is cut off")
    (tmp_path / "a.npy").write_bytes(content + content)  # two arrays: neither may be lost
    fails(tmp_path / "a.npy", "192 bytes follow the array", "numpy.save(file, numpy.load(file))")
    np.save(tmp_path / "a.npy", np.load(tmp_path / "a.npy"))
    assert len(open_path(tmp_path / "a.npy")) == 4


def test_fewer_parquet_rows_than_declared(tmp_path, monkeypatch):
    pd.DataFrame({"x": [1.0, 2.0]}).to_parquet(tmp_path / "a.parquet")
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda self, columns: [])
    fails(tmp_path / "a.parquet", "0 rows where the footer declares 2")


def test_parquet_decimals_are_exact(tmp_path):
    texts = [f"{number / 100:.2f}" for number in range(-300, 300)]
    table = pa.table({"x": pa.array([decimal.Decimal(text) for text in texts], pa.decimal128(10, 2))})
    pq.write_table(table, tmp_path / "a.parquet")
    assert all_rows(open_path(tmp_path / "a.parquet")).ravel().tolist() == [float(text) for text in texts]


def test_too_many_columns_are_one_line(tmp_path):
    message, peak = peak_of(csv_file(tmp_path, b"1," * 2_000_000 + b"1\n"))
    assert "a line has more than 1,000,000 cells; save the table as .npy or .parquet" in message
    assert peak < 5 * 10**7
    assert "a line has more than 16,777,216 characters" in peak_of(csv_file(tmp_path, b"1" * 2**25))[0]


def test_rows_larger_than_the_memory_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("taciturn.data.sources.memory.machine_bytes", lambda: 1000)
    np.savez(tmp_path / "a.npz", x=np.zeros((100, 2)))
    fails(tmp_path / "a.npz", "the rows need 0.0 GB of memory, more than there is; select columns, or save the rows as")


@pytest.mark.parametrize("ending", [".npy", ".npz", ".csv", ".parquet", ".idx"])
def test_only_regular_files_are_read(tmp_path, ending):
    os.mkfifo(tmp_path / f"fifo{ending}")
    (tmp_path / f"zero{ending}").symlink_to("/dev/zero")
    for name in ("fifo", "zero"):
        fails(tmp_path / f"{name}{ending}", "is a pipe or a device, not a file")
        with pytest.raises(DataError, match="is a pipe or a device"):
            read_labels(tmp_path / f"{name}{ending}")


@pytest.mark.parametrize("ending", [".npy", ".npz", ".csv", ".parquet"])
@pytest.mark.parametrize("name", [b"not \xff UTF-8", b"line\nbreak", b"\x1b[31mred"])
def test_odd_names_of_files(tmp_path, ending, name):
    path = os.path.join(os.fsencode(tmp_path), name + ending.encode())
    write_path(os.fsdecode(path), [np.ones((3, 2))], n_rows=3, columns=("a", "b"))
    assert all_rows(open_path(path)).tolist() == [[1, 1]] * 3
    with open(path, "wb") as file:
        file.write(b"broken")
    with pytest.raises(DataError) as caught:
        open_path(path)
    assert str(caught.value).isprintable()


def test_long_and_odd_names_of_columns_are_cut_and_escaped(tmp_path):
    path = csv_file(tmp_path, "x" * 60_000 + ',"a\x1b\n"\nred,blue\n')
    fails(path, "xxx…' (line 3: 'red')", "'a\\x1b\\n' (line 3: 'blue')", header=True)
    with pytest.raises(DataError) as caught:
        open_path(csv_file(tmp_path, ",".join(f"c{i}" for i in range(5000)) + "\n" + ",".join("a" * 5000) + "\n"))
    assert len(str(caught.value)) < 600
    assert "and 4,990 more are not numeric; select the numeric columns (--columns)" in str(caught.value)
    np.savez(tmp_path / "a.npz", **{f"m{i}": np.ones(1) for i in range(300)})
    fails(tmp_path / "a.npz", "holds 'm0', 'm1', 'm2', 'm3', 'm4' and 295 more; name one array: a.npz:m0")


def test_small_blocks_of_a_wide_table_share_row_groups(tmp_path):
    blocks = [np.full((64, 500), number, np.float32) for number in range(200)]  # 128 kB each
    write_path(tmp_path / "a.parquet", blocks, n_rows=64 * 200)
    with pq.ParquetFile(tmp_path / "a.parquet") as file:
        assert file.num_row_groups == 4  # a group per 16 kB of a column: 64 blocks
    assert_array_equal(all_rows(open_path(tmp_path / "a.parquet")), np.concatenate(blocks))


def test_the_check_of_wide_rows_reads_few_of_them_at_a_time():
    class Wide:
        columns, shape, dtype, largest = None, (200_000,), np.dtype(np.float32), 0

        def __len__(self):
            return 100

        def read(self, start, stop):
            self.largest = max(self.largest, stop - start)
            return np.zeros((min(stop, 100) - start, 200_000), np.float32)

    check_finite(source := Wide())
    assert source.largest * 200_000 <= 2**20
