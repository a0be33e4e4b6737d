"""Folders of files of rows: every format, in blocks, in natural order; a fault is one line that names the file."""

import itertools
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from taciturn import SparseAutoencoder
from taciturn.core.errors import DataError, NotNumeric
from taciturn.data.sources import Ranges, Rows, blocks_of, check_finite, open_path, place_of, select, shards

X = np.random.default_rng(0).normal(size=(1000, 8)).astype(np.float32)
CUTS = [0, 100, 101, 101, 700, 1000]  # the third file has no rows
PARTS = [X[a:b] for a, b in itertools.pairwise(CUTS)]
BFLOAT16 = torch.tensor(X).bfloat16().float().numpy()


def table(rows):
    return pa.table({f"c{j}": rows[:, j] for j in range(8)})


def with_lists(rows):
    lists = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), 8)
    return pa.table({"text": ["a"] * len(rows), "acts": lists})


def write_stream(content, path, size=100):
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, content.schema) as writer:
        for batch in content.to_batches(max_chunksize=size):
            writer.write_batch(batch)


def matrices(rows):
    lists = pa.array(rows.reshape(-1, 2, 4).tolist(), pa.list_(pa.list_(pa.float32())))
    return pa.table({"text": ["a"] * len(rows), "acts": lists})


# what writes one file; the files' names; what is opened; the rows that are read
FORMATS = {
    "npy": (lambda rows, path: np.save(path, rows), "part-{}.npy", {}, X),
    "big-endian": (lambda rows, path: np.save(path, rows.astype(">f4")), "{}.npy", {}, X),
    "images": (lambda rows, path: np.save(path, rows.reshape(-1, 2, 4)), "{}.npy", {}, X.reshape(-1, 2, 4)),
    "float16": (lambda rows, path: np.save(path, rows.astype(np.float16)), "{}.npy", {}, X.astype(np.float16)),
    "columns of arrays": (lambda rows, path: np.save(path, rows), "{}.npy", {"columns": [5, 2]}, X[:, [5, 2]]),
    "safetensors": (
        lambda rows, path: save_file({"layer": torch.zeros(3), "rows": torch.tensor(rows)}, path),
        "{}.safetensors",
        {},
        X,
    ),
    "bfloat16": (
        lambda rows, path: save_file({"rows": torch.tensor(rows).bfloat16()}, path),
        "{}.safetensors",
        {},
        BFLOAT16,
    ),
    "torch": (lambda rows, path: torch.save(torch.tensor(rows), path), "{}.pt", {}, X),
    "torch, a part of a tensor": (
        lambda rows, path: torch.save({"rows": torch.tensor(np.vstack([rows[:0], X[:3], rows]))[3:].bfloat16()}, path),
        "{}.pth",
        {},
        BFLOAT16,
    ),
    "parquet": (lambda rows, path: pq.write_table(table(rows), path, row_group_size=200), "{}.parquet", {}, X),
    "columns of tables": (
        lambda rows, path: pq.write_table(table(rows), path, row_group_size=64),
        "{}.parquet",
        {"columns": ["c5", "c2"]},
        X[:, [5, 2]],
    ),
    "lists": (
        lambda rows, path: pq.write_table(with_lists(rows), path, row_group_size=64),
        "{}.parquet",
        {"columns": "acts"},
        X,
    ),
    "feather": (
        lambda rows, path: pa.feather.write_feather(table(rows), path, chunksize=50),
        "{}.feather",
        {"drop": "c0"},
        X[:, 1:],
    ),
    "stream": (
        lambda rows, path: write_stream(matrices(rows), path),
        "{}.arrow",
        {"columns": "acts"},
        X.reshape(-1, 2, 4),
    ),
}


def written(folder, name):
    """Write a folder of five files, whose numbers are 8 to 12, and return what opens it."""
    write, names, options, rows = FORMATS[name]
    for number, part in enumerate(PARTS):
        write(part, os.path.join(folder, names.format(8 + number)))
    return options, rows


def assert_rows(source, rows):
    """Whole, in parts, and at any places, ascending and not."""
    rows, rng = rows.reshape(len(rows), -1), np.random.default_rng(0)
    assert len(source) == len(rows)
    assert source.dtype == rows.dtype
    np.testing.assert_array_equal(source.read(0, 2 * len(rows)), rows)
    for start, stop in [(95, 703), (0, 1), (100, 101), (650, 720), (640, 650), (999, 1000), (1000, 1005)]:
        np.testing.assert_array_equal(source.read(start, stop), rows[start:stop])
    for indices in (rng.integers(0, len(rows), 60), np.sort(rng.integers(0, len(rows), 60)), np.arange(0)):
        np.testing.assert_array_equal(source.take(indices), rows[indices])


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_is_one_source(tmp_path, name):
    options, rows = written(tmp_path, name)
    source = open_path(tmp_path, streamed=True, **options)
    assert_rows(source, rows)
    assert source.shape == rows.shape[1:]
    blocks = blocks_of(source)
    assert blocks[0] == 0
    assert blocks[-1] == 1000
    assert (np.diff(blocks) > 0).all()
    assert {100, 101, 700} <= set(blocks.tolist())
    assert place_of(source, 703).startswith("row 3 of ")
    in_memory = open_path(tmp_path, **options)
    assert blocks_of(in_memory) is None
    assert in_memory.shape == source.shape
    assert in_memory.columns == source.columns
    assert_rows(in_memory, rows)


def test_a_pattern_and_a_key_name_files(tmp_path):
    written(tmp_path, "npy")
    written(tmp_path, "safetensors")
    assert_rows(open_path(f"{tmp_path}/part-*.npy"), X)
    assert_rows(open_path(tmp_path / "*.safetensors:rows"), X)
    assert open_path(f"{tmp_path}/*.safetensors:layer").shape == (1,)
    assert len(open_path(f"{tmp_path}/part-1[02].npy")) == 300
    os.makedirs(tmp_path / "a" / "b")
    shutil.move(tmp_path / "part-8.npy", tmp_path / "a" / "b" / "part-8.npy")
    assert len(open_path(f"{tmp_path}/**/*.npy")) == 1000


def test_one_file_is_streamed_too(tmp_path):
    for name in ("npy", "safetensors", "parquet", "feather", "torch"):
        write, names, options, _ = FORMATS[name]
        write(X, tmp_path / names)
        expected = X[:, 1:] if options else X
        streamed = open_path(tmp_path / names, streamed=True, **options)
        assert blocks_of(streamed) is not None
        assert_rows(streamed, expected)
        assert blocks_of(open_path(tmp_path / names, **options)) is None


def test_what_is_streamed_is_decided_by_size(tmp_path, monkeypatch):
    written(tmp_path, "npy")
    np.save(tmp_path / "one.npy", X)
    monkeypatch.setattr("taciturn.data.sources.files.MAX_IN_MEMORY_BYTES", X.nbytes - 1)
    assert blocks_of(open_path(tmp_path / "part-*.npy")) is not None
    assert blocks_of(open_path(tmp_path / "part-*.npy", streamed=False)) is None
    assert blocks_of(open_path(tmp_path / "one.npy")) is None
    monkeypatch.setattr("taciturn.data.sources.files.machine_bytes", lambda: 2 * X.nbytes)
    assert blocks_of(open_path(tmp_path / "one.npy")) is not None


def test_blocks_have_a_megabyte(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3000, 1024), np.float32))
    assert blocks_of(open_path(tmp_path, streamed=True)).tolist() == [*range(0, 3000, 256), 3000]


@pytest.mark.parametrize("version", [2, 3])
def test_zarr(tmp_path, version):
    zarr = pytest.importorskip("zarr")
    for where in ("alone", "group/inner"):
        path = str(tmp_path / where)
        if where != "alone":
            zarr.open_group(str(tmp_path / "group"), mode="w", zarr_format=version)
        array = zarr.create_array(path, shape=X.shape, chunks=(50, 4), dtype="f4", zarr_format=version)
        array[:] = X
        assert_rows(open_path(path, streamed=True), X)
    with pytest.raises(DataError, match=r"group: it is a group of 1 arrays, 'inner'; name one, as in .*group/inner$"):
        open_path(tmp_path / "group")


def test_folders_of_named_values_are_read_too(tmp_path):
    for number, part in enumerate(PARTS):
        os.makedirs(tmp_path / f"layer={number}")
        pq.write_table(table(part), tmp_path / f"layer={number}" / "rows.parquet")
    os.makedirs(tmp_path / "other")
    assert_rows(open_path(tmp_path, streamed=True), X)


def test_other_files_of_a_folder_are_left_out(tmp_path):
    written(tmp_path, "stream")
    for name in ("state.json", "dataset_info.json", "README.md", "_SUCCESS", ".hidden.npy", "notes.txt"):
        (tmp_path / name).write_text("{}")
    assert len(open_path(tmp_path, columns="acts")) == 1000


# --- faults -----------------------------------------------------------------------------------------------


def fails(path, *fragments, error=DataError, **options):
    with pytest.raises(error) as caught:
        open_path(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path).partition(":")[0].partition("*")[0])
    for fragment in fragments:
        assert fragment in message, message


def test_files_that_do_not_fit_the_first_are_named(tmp_path):
    np.save(tmp_path / "a.npy", X)
    for rows, reason in [
        (X[:, :7], "b.npy has 7 columns, but "),
        (X.astype(np.float64), "b.npy has float64 numbers, but "),
    ]:
        np.save(tmp_path / "b.npy", rows)
        fails(tmp_path, reason, "a.npy has ", "; write all files with the same columns and type")
    pq.write_table(table(X), tmp_path / "a.parquet")
    pq.write_table(table(X).rename_columns([*"abcdefgh"]), tmp_path / "b.parquet")
    fails(f"{tmp_path}/*.parquet", "b.parquet has the columns 'a', 'b', ", "a.parquet has 'c0', 'c1', ")


def test_damaged_files_are_named(tmp_path):
    for name, (_, names, options, _) in FORMATS.items():
        folder = tmp_path / name
        os.mkdir(folder)
        written(folder, name)
        bad = folder / names.format(11)
        content = bad.read_bytes()
        for damaged in (b"", content[: len(content) // 2], b"not rows at all" * 20):
            bad.write_bytes(damaged)
            fails(folder, bad.name, streamed=True, **options)


def test_files_that_go_or_change_while_rows_are_read_are_named(tmp_path):
    for name, (_, names, options, _) in FORMATS.items():
        folder = tmp_path / name
        os.mkdir(folder)
        written(folder, name)
        source, bad = open_path(folder, streamed=True, **options), folder / names.format(11)
        content, time = bad.read_bytes(), bad.stat().st_mtime_ns
        for change in (lambda path, data: path.write_bytes(data[: len(data) // 2]), lambda path, data: path.unlink()):
            change(bad, content)
            with pytest.raises(DataError) as caught:
                source.read(0, 1000)
            assert f"{bad.name}" in str(caught.value)
            assert "\n" not in str(caught.value)
            bad.write_bytes(content)
            os.utime(bad, ns=(time, time))
        assert len(source.read(0, 1000)) == 1000


def test_folders_that_cannot_be_read_are_one_line(tmp_path):
    fails(tmp_path, "is a folder without files of rows; folders may hold .npy, ")
    (tmp_path / "a.csv").write_text("1,2\n")
    fails(tmp_path, "holds '.csv' files, which are read one by one; name one")
    written(tmp_path, "npy")
    written(tmp_path, "parquet")
    fails(tmp_path, "files of different formats, '.parquet', '.npy'", "as in ")
    fails(f"{tmp_path}/*.nothing", "no file has such a name")
    with pytest.raises(DataError, match=r"\.csv files cannot be streamed"):
        open_path(tmp_path / "a.csv", streamed=True)


def test_tensors_that_are_not_rows(tmp_path):
    save_file({"a": torch.zeros(2, 2), "b": torch.zeros(2, 2)}, tmp_path / "two.safetensors")
    fails(tmp_path / "two.safetensors", "it holds 2 tensors, 'a', 'b'; name one behind a colon, as in :a")
    fails(f"{tmp_path}/two.safetensors:c", "no tensor 'c'; there are 'a', 'b'")
    torch.save({"rows": torch.zeros(3, 4).t()}, tmp_path / "turned.pt")
    fails(tmp_path / "turned.pt", "not stored one after the other; save rows.contiguous()")
    torch.save(torch.zeros(3, 4, dtype=torch.complex64), tmp_path / "complex.pt")
    fails(tmp_path / "complex.pt", "must hold numbers, not complex64")
    torch.save(torch.zeros(3, 4).to(torch.float8_e4m3fn), tmp_path / "small.pt")
    fails(tmp_path / "small.pt", "rows of type float8_e4m3fn are not read")
    np.save(tmp_path / "fortran.npy", np.asfortranarray(X))
    fails(tmp_path / "fortran.npy", "stored by columns (Fortran order)", streamed=True)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


def test_nothing_but_tensors_is_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, kwargs in (("new.pt", {}), ("old.pt", {"_use_new_zipfile_serialization": False})):
        torch.save({"rows": torch.zeros(3, 2), "evil": Evil()}, name, **kwargs)
        fails(name, "cannot be loaded as tensors")
    assert not os.path.exists("evil")


def test_lists_of_unequal_length_are_named(tmp_path):
    ragged = pa.table({"acts": pa.array([[1.0, 2.0], [3.0]], pa.list_(pa.float32()))})
    pq.write_table(ragged, tmp_path / "a.parquet")
    for options in ({}, {"streamed": True}):
        with pytest.raises(DataError) as source:
            (lambda o=options: open_path(tmp_path / "a.parquet", **o).read(0, 2))()
        assert "column 'acts' has a row with 1 numbers where others have 2" in str(source.value)
    texts = pa.table({"acts": [[1.0]], "text": ["a"], "names": [["a"]]})
    pq.write_table(texts, tmp_path / "a.parquet")
    fails(tmp_path / "a.parquet", "'names' (list<", "'text' (", "--drop text", error=NotNumeric)


def test_a_bad_value_is_named_with_its_file(tmp_path):
    rows = X.copy()
    rows[703, 5] = np.inf
    np.save(tmp_path / "a.npy", rows[:700])
    np.save(tmp_path / "b.npy", rows[700:])
    source = open_path(tmp_path, streamed=True)
    for each in (source, select(source, [5]), Ranges(source, np.array([[500, 800]]))):
        with pytest.raises(DataError, match=r"the first in row 3 of [^ ]*b\.npy, column "):
            check_finite(each, missing=True)


def test_rows_of_a_folder_train_as_the_array_does(tmp_path):
    """A folder that fits into memory is an array: the same bits."""
    written(tmp_path, "npy")
    one, other = (
        SparseAutoencoder(8, max_iter=2, random_state=0).fit(rows).module_.state_dict()
        for rows in (X, open_path(tmp_path))
    )
    assert all(torch.equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))
    assert isinstance(open_path(tmp_path), Rows)


def test_errors_of_other_kinds_stay(tmp_path):
    with pytest.raises(UserWarning, match="mine"), shards.shard_errors("a"):
        raise UserWarning("mine")


def test_another_version_of_pickles_format_is_read_without_a_warning(tmp_path):
    torch.save(torch.arange(12.0).reshape(6, 2), tmp_path / "rows.pt", pickle_protocol=3)
    np.testing.assert_array_equal(open_path(tmp_path / "rows.pt").read(0, 6), np.arange(12.0).reshape(6, 2))
