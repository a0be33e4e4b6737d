"""Codes, reconstructions and scores written block by block: files of each format, and folders of shards."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file
from scipy import sparse

from commandline import run
from taciturn import AutoencoderOutlierDetector, DictionaryAutoencoder, load
from taciturn.core.checksum import checksum
from taciturn.core.errors import DataError, RecipeError, TaciturnError
from taciturn.core.temporary import PREFIX
from taciturn.data.sources import Rows, read_manifest, write_path, write_shards, write_sparse
from taciturn.inference import blocks

N_ROWS, SHARD_ROWS = 300, 128


def drawn(n_rows, seed=0):
    return np.random.default_rng(seed).standard_normal((n_rows, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with rows and two dictionaries."""
    folder = tmp_path_factory.mktemp("streaming")
    np.save(folder / "rows.npy", drawn(N_ROWS))
    np.save(folder / "others.npy", drawn(N_ROWS, 1))
    for seed in range(2):
        DictionaryAutoencoder(32, k=4, max_iter=1, random_state=seed).fit(drawn(N_ROWS)).save(folder / f"run{seed}")
    return folder


@pytest.fixture
def encoded(place, tmp_path):
    run("encode", place / "run0", place / "rows.npy", "-o", tmp_path / "codes", "--shard-rows", SHARD_ROWS)
    return tmp_path / "codes"


def joined(folder):
    return np.concatenate([np.load(file) for file in sorted(folder.glob("*.npy"))])


# --- one file ----------------------------------------------------------------------------------------------------
def test_safetensors_hold_what_npy_files_hold(place, tmp_path):
    for name in ("codes.npy", "codes.safetensors"):
        run("encode", place / "run0", place / "rows.npy", "-o", tmp_path / name)
    rows = load_file(tmp_path / "codes.safetensors")["rows"]
    np.testing.assert_array_equal(rows, np.load(tmp_path / "codes.npy"))


@pytest.mark.parametrize("dtype", ["?", "u1", ">i2", "f2", "f4", ">f8"])
def test_safetensors_of_each_type(dtype, tmp_path):
    rows = (np.arange(12) % 2).reshape(3, 4).astype(dtype)
    write_path(tmp_path / "rows.safetensors", [rows[:1], rows[1:]], n_rows=3, shape=(2, 2))
    read = load_file(tmp_path / "rows.safetensors")["rows"]
    assert read.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(read, rows.reshape(3, 2, 2))


def test_sparse_codes_in_parquet_are_lists_of_indices_and_values(place, tmp_path):
    rows = pd.DataFrame(drawn(N_ROWS), columns=list("abcdefgh"), index=[f"row {i}" for i in range(N_ROWS)])
    rows.to_parquet(tmp_path / "rows.parquet")
    run("encode", place / "run0", tmp_path / "rows.parquet", "-o", tmp_path / "codes.parquet", "--sparse")
    table = pq.read_table(tmp_path / "codes.parquet")
    dense = load(place / "run0").transform(drawn(N_ROWS)).toarray()
    assert table.schema.metadata[b"n_columns"] == b"32"
    assert table["id"].to_pylist()[:2] == ["row 0", "row 1"]
    for row, (indices, values) in enumerate(
        zip(table["indices"].to_pylist(), table["values"].to_pylist(), strict=True)
    ):
        assert indices == np.flatnonzero(dense[row]).tolist()
        np.testing.assert_allclose(values, dense[row, indices], rtol=1e-5)


def test_row_groups_of_lists(tmp_path, monkeypatch):
    monkeypatch.setattr("taciturn.data.sources.csr._GROUP_BYTES", 100)
    rows = sparse.random_array((60, 9), density=0.5, random_state=0, format="csr")
    write_sparse(tmp_path / "rows.parquet", [rows[i : i + 10] for i in range(0, 60, 10)], n_rows=60, n_columns=9)
    assert pq.read_metadata(tmp_path / "rows.parquet").num_row_groups > 1
    table = pq.read_table(tmp_path / "rows.parquet")
    assert np.concatenate(table["values"].to_pylist()).tolist() == rows.data.tolist()
    assert np.concatenate(table["indices"].to_pylist()).tolist() == rows.indices.tolist()


def test_dense_codes_in_an_archive(place, tmp_path):
    run("encode", place / "run0", place / "rows.npy", "-o", tmp_path / "codes.npz", "--dense")
    assert np.load(tmp_path / "codes.npz")["rows"].shape == (N_ROWS, 32)


def test_sparse_rows_are_refused_elsewhere(tmp_path):
    with pytest.raises(RecipeError, match=r"sparse rows cannot be written with this ending; give .npz or .parquet"):
        write_sparse(tmp_path / "rows.csv", [sparse.csr_array((2, 2))], n_rows=2, n_columns=2)
    with pytest.raises(DataError, match="n_rows=3, but the blocks hold 2 rows"):
        write_sparse(tmp_path / "rows.parquet", [sparse.csr_array((2, 2))], n_rows=3, n_columns=2)
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_rows(place, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "ENTRIES", 1 << 12)
    peaks = {}
    for n_rows in (2_000, 20_000):
        np.save(tmp_path / "rows.npy", drawn(n_rows))
        for name in ("codes.npy", "codes.npz", "codes.safetensors", "codes.parquet", "shards"):
            options = ["--sparse"] if name.endswith("parquet") else []
            tracemalloc.start()
            run("encode", place / "run0", tmp_path / "rows.npy", "-o", tmp_path / f"{n_rows}-{name}", *options)
            peaks[name, n_rows] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    for name in ("codes.npy", "codes.npz", "codes.safetensors", "codes.parquet", "shards"):
        # all codes would take 18,000 · 32 · 4 = 2.3 MB more; sparse ones 18,000 · 4 · 8 = 0.6 MB
        assert peaks[name, 20_000] - peaks[name, 2_000] < 400_000, name


# --- folders of shards --------------------------------------------------------------------------------------------
def test_a_folder_holds_the_rows_and_a_manifest(place, encoded):
    whole = encoded.parent / "whole.npy"
    run("encode", place / "run0", place / "rows.npy", "-o", whole)
    assert [len(np.load(encoded / f"part-0000{i}.npy")) for i in range(3)] == [128, 128, 44]
    np.testing.assert_allclose(joined(encoded), np.load(whole), atol=1e-6)
    manifest = json.loads((encoded / "manifest.json").read_text())
    assert (manifest["rows"], manifest["rows_per_shard"], manifest["ending"]) == (300, 128, ".npy")
    content = manifest["content"]
    assert (content["command"], content["outputs"], content["dtype"]) == ("encode", "codes", "float32")
    assert content["columns"][:2] == ["latent_0", "latent_1"]
    assert content["model"] == checksum(place / "run0" / "config.json")[:16]
    for shard in manifest["shards"]:
        file = encoded / shard["file"]
        assert (file.stat().st_size, checksum(file)) == (shard["bytes"], shard["checksum"])


@pytest.mark.parametrize("shard_format", ["npz", "parquet", "csv", "safetensors"])
def test_shards_of_each_format(place, tmp_path, shard_format):
    run("denoise", place / "run0", place / "rows.npy", "-o", tmp_path / "clean.npy")
    options = ["--shard-rows", 200, "--format", shard_format]
    run("denoise", place / "run0", place / "rows.npy", "-o", tmp_path / "clean", *options)
    read = {
        "npz": lambda file: np.load(file)["rows"],
        "parquet": lambda file: pd.read_parquet(file).to_numpy(),
        "csv": lambda file: pd.read_csv(file, header=None).to_numpy(np.float32),
        "safetensors": lambda file: load_file(file)["rows"],
    }[shard_format]
    parts = [read(file) for file in sorted((tmp_path / "clean").glob("part-*"))]
    assert [len(part) for part in parts] == [200, 100]
    np.testing.assert_allclose(np.concatenate(parts), np.load(tmp_path / "clean.npy"), atol=1e-6)


def test_missing_and_damaged_shards_are_written_again(place, encoded):
    before = {file.name: file.read_bytes() for file in encoded.iterdir()}
    (encoded / "part-00000.npy").unlink()
    damaged = bytearray(before["part-00001.npy"])
    damaged[1000] ^= 1
    (encoded / "part-00001.npy").write_bytes(damaged)
    done = run("encode", place / "run0", place / "rows.npy", "-o", encoded, "--shard-rows", SHARD_ROWS)
    assert "3 shards, 1 of them there before" in done.stderr
    assert {file.name: file.read_bytes() for file in encoded.iterdir()} == before


def test_a_complete_folder_is_not_computed_again(place, encoded):
    times = {file: file.stat().st_mtime_ns for file in encoded.iterdir()}
    run("encode", place / "run0", place / "rows.npy", "-o", encoded, "--shard-rows", SHARD_ROWS)
    assert {file: file.stat().st_mtime_ns for file in encoded.iterdir()} == times


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode", "run1", "rows.npy"], "was begun with the model "),
        (["encode", "run0", "others.npy"], "was begun with the data "),
        (["denoise", "run0", "rows.npy"], "was begun with the command encode, now denoise"),
        (["encode", "run0", "rows.npy", "--shard-rows", "100"], "shards of 128 rows as .npy, now 100 rows as .npy"),
        (["encode", "run0", "rows.npy", "--outputs", "hidden"], "was begun with the outputs codes, now hidden"),
    ],
)
def test_a_folder_of_other_content_is_refused_or_overwritten(place, encoded, arguments, message):
    command, model, rows, *options = arguments
    options = options or ["--shard-rows", SHARD_ROWS]
    done = run(command, place / model, place / rows, "-o", encoded, *options, code=1)
    assert message in done.stderr
    assert "or overwrite it (--overwrite)" in done.stderr
    run(command, place / model, place / rows, "-o", encoded, *options, "--overwrite")
    assert read_manifest(encoded).content["command"] == command


def test_files_of_others_are_never_replaced(place, encoded, tmp_path):
    (encoded / "notes.txt").write_text("mine")
    command = ["encode", place / "run1", place / "rows.npy", "-o", encoded, "--overwrite"]
    assert "holds 'notes.txt', which taciturn did not write" in run(*command, code=1).stderr
    assert len(list(encoded.glob("part-*"))) == 3
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    done = run("encode", place / "run0", place / "rows.npy", "-o", tmp_path / "mine", "--overwrite", code=1)
    assert "holds 'notes.txt', but no shards of taciturn" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "codes.npy", "--shard-rows", "10"], "--shard-rows is for folders of shards"),
        (["-o", "codes.npy", "--overwrite"], "--overwrite is for folders of shards"),
        (["-o", "codes", "--format", "xlsx"], "--format xlsx is none of npy, npz, csv, parquet, feather, safetensors"),
        (["-o", "codes.npy", "--sparse"], "codes.npy: sparse codes are written as .npz or .parquet"),
        (["-o", "."], "is read by this command; choose another folder"),
    ],
)
def test_wrong_usage(place, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", drawn(10))
    assert message in run("encode", place / "run0", "rows.npy", *options, code=2).stderr


def test_scores_in_a_folder(tmp_path):
    rows = np.random.default_rng(0).standard_normal((100, 4))
    rows[::10] *= 100
    np.save(tmp_path / "rows.npy", rows)
    detector = AutoencoderOutlierDetector(8, max_iter=2, random_state=0).fit(rows)
    detector.save(tmp_path / "run")
    run("score", tmp_path / "run", tmp_path / "rows.npy", "-o", tmp_path / "scores.csv")
    command = ["score", tmp_path / "run", tmp_path / "rows.npy", "-o", tmp_path / "scores", "--shard-rows", 30]
    done = run(*command, "--format", "parquet")
    whole = pd.read_csv(tmp_path / "scores.csv")
    parts = pd.concat([pd.read_parquet(file) for file in sorted((tmp_path / "scores").glob("*.parquet"))])
    pd.testing.assert_frame_equal(parts.reset_index(drop=True), whole, rtol=1e-9, check_dtype=False)
    assert f"{whole['outlier'].sum()} of 100 rows are outliers" in done.stderr
    (tmp_path / "scores" / "part-00001.parquet").unlink()
    again = run(*command, "--format", "parquet")
    assert f"{whole['outlier'][30:60].sum()} of 30 rows that were scored now are outliers" in again.stderr


SLOW_SHARDS = """
import sys, time
import numpy as np
from taciturn.data.sources import Rows, write_path, write_shards

def blocks(rows):
    for start in range(0, len(rows), 10):
        time.sleep(0.01)
        yield rows.read(start, start + 10)

def write(path, rows):
    write_path(path, blocks(rows), n_rows=len(rows))

rows = Rows(np.random.default_rng(0).standard_normal((1000, 3)))
print("begins", flush=True)
write_shards(sys.argv[1], rows, write, rows_per_shard=50, ending=".npy", content={})
"""


def test_a_killed_process_leaves_whole_shards_and_is_continued(tmp_path):
    random = np.random.default_rng(0)
    expected = random.standard_normal((1000, 3))
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", SLOW_SHARDS, tmp_path / "parts"], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(random.uniform(0.05, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for file in (tmp_path / "parts").glob("part-*.npy"):
            number = int(file.stem[5:])
            np.testing.assert_array_equal(np.load(file), expected[50 * number : 50 * number + 50])
    subprocess.run([sys.executable, "-c", SLOW_SHARDS, tmp_path / "parts"], check=True, stdout=subprocess.DEVNULL)
    np.testing.assert_array_equal(joined(tmp_path / "parts"), expected)
    assert len(read_manifest(tmp_path / "parts").shards) == 20
    assert not list((tmp_path / "parts").glob(f"{PREFIX}*"))


def test_a_full_disk_leaves_whole_shards(tmp_path):
    """The limit on the size of files stands for the disk: the last shard, of a wider type, exceeds it."""
    rows, limit = Rows(np.arange(64.0).reshape(8, 8)), resource.getrlimit(resource.RLIMIT_FSIZE)

    def write(path, part):
        copies = 100 if path.name == "part-00003.npy" else 1
        write_path(path, [np.repeat(part.read(0, 2), copies, axis=1)], n_rows=2)

    options = {"rows_per_shard": 2, "ending": ".npy", "content": {}}
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))
    try:
        with pytest.raises(TaciturnError, match=r"part-00003.npy cannot be written: File too large"):
            write_shards(tmp_path / "parts", rows, write, **options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert sorted(os.listdir(tmp_path / "parts")) == ["manifest.json", *(f"part-0000{i}.npy" for i in range(3))]
    assert write_shards(tmp_path / "parts", rows, write, **options).found == 3


def test_a_second_writer_and_a_damaged_manifest_are_refused(tmp_path):
    rows, options = Rows(np.eye(4)), {"rows_per_shard": 2, "ending": ".npy", "content": {}}

    def write(path, part):
        with pytest.raises(TaciturnError, match="another process writes to"):
            write_shards(tmp_path / "parts", rows, write, **options)
        write_path(path, [part.read(0, 2)], n_rows=2)

    write_shards(tmp_path / "parts", rows, write, **options)
    (tmp_path / "parts" / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match="is not a manifest of shards"):
        write_shards(tmp_path / "parts", rows, write, **options)
    with pytest.raises(RecipeError, match="rows_per_shard=0 must be 1 or more"):
        write_shards(tmp_path / "parts", rows, write, **options | {"rows_per_shard": 0})
