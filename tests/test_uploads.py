"""Codes, reconstructions and scores written to object stores, also where connections are dropped."""

import _thread
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import types
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pyarrow import fs

from commandline import output_text, run
from dropping_proxy import dropping_proxy
from object_store import needs_server
from taciturn import AutoencoderOutlierDetector, DictionaryAutoencoder, load
from taciturn.core.errors import DataError, TaciturnError
from taciturn.data.sources import read_manifest, uploaded, uploads

X = np.random.default_rng(0).standard_normal((2000, 8)).astype(np.float32)
N_FILES, SHARDS = 20, ("--shard-rows", 300)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with rows in files, a dictionary and a detector."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "rows").mkdir()
    for number, part in enumerate(np.split(X, N_FILES)):
        np.save(folder / "rows" / f"part-{number}.npy", part)
    DictionaryAutoencoder(32, k=4, max_iter=1, random_state=0).fit(X).save(folder / "run")
    AutoencoderOutlierDetector(8, max_iter=2, random_state=0).fit(X).save(folder / "detector")
    return folder


@pytest.fixture(scope="module")
def rows_in_store(place, server):
    _, store = server
    for file in (place / "rows").iterdir():
        with store.open_output_stream(f"sources/rows/{file.name}") as stream:
            stream.write(file.read_bytes())
    return store


@pytest.fixture
def store(rows_in_store, server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server[0])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "user")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "right")
    return rows_in_store


def content(store, folder):
    """The names and bytes of all files in a folder of a store."""
    infos = store.get_file_info(fs.FileSelector(folder))
    return {info.base_name: store.open_input_stream(info.path).read() for info in infos}


def on_disk(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@needs_server
@pytest.mark.parametrize("command", ["encode", "denoise", "score"])
def test_a_folder_in_a_store_is_the_same_as_on_the_disk(place, store, tmp_path, monkeypatch, command):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = place / ("detector" if command == "score" else "run")
    run(command, model, place / "rows", "-o", tmp_path / "out", *SHARDS)
    done = run(command, model, "s3://sources/rows", "-o", f"s3://codes/{command}", *SHARDS)
    assert f"s3://codes/{command}: 7 shards" in done.stderr
    assert content(store, f"codes/{command}") == on_disk(tmp_path / "out")
    assert os.listdir(tmp_path) == ["out"]


@needs_server
def test_missing_and_damaged_shards_are_written_again(place, store):
    command = ["encode", place / "run", "s3://sources/rows", "-o", "s3://codes/again", *SHARDS]
    run(*command)
    before = content(store, "codes/again")
    store.delete_file("codes/again/part-00002.npy")
    damaged = bytearray(before["part-00004.npy"])
    damaged[len(damaged) // 2] ^= 1
    with store.open_output_stream("codes/again/part-00004.npy") as stream:
        stream.write(bytes(damaged))
    assert "7 shards, 5 of them there before" in run(*command).stderr
    assert content(store, "codes/again") == before
    done = run(*command[:-1], 100, code=1)
    assert "s3://codes/again was begun with shards of 300 rows as .npy, now 100 rows as .npy" in done.stderr
    run(*command[:-1], 500, "--overwrite")
    assert len(content(store, "codes/again")) == 5
    assert read_manifest("s3://codes/again").rows_per_shard == 500


@needs_server
def test_single_files_in_a_store(place, store, tmp_path):
    for name in ("codes.npy", "codes.npz", "codes.parquet"):
        run("encode", place / "run", "s3://sources/rows", "-o", tmp_path / name)
        run("encode", place / "run", "s3://sources/rows", "-o", f"s3://codes/files/{name}")
        if name != "codes.npz":  # which holds the time
            assert store.open_input_stream(f"codes/files/{name}").read() == (tmp_path / name).read_bytes()
    assert store.get_file_info("codes/files/codes.npz").size == (tmp_path / "codes.npz").stat().st_size


@needs_server
def test_what_a_store_refuses_is_one_line(place, store, monkeypatch):
    def message(out, code=1):
        done = run("encode", place / "run", place / "rows", "-o", out, code=code)
        assert done.stderr.startswith(f"taciturn: {out}")
        assert done.stderr.count("\n") == 1
        return done.stderr

    assert "there is no other-bucket; make it first, or correct the name" in message("s3://other-bucket/codes")
    assert "is a bucket; name a file or a folder in it" in message("s3://codes", 2)
    assert "known URLs begin with s3://, gs://, hf://" in message("ftp://rows/codes.npy", 2)
    assert "rows cannot be written with this ending" in message("s3://codes/codes.pdf", 2)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    assert "ACCESS_DENIED" in message("s3://codes/mine")
    line = message("s3://codes/mine.npy")
    assert "ACCESS_DENIED" in line
    kept = Path(line.split("what was to be written there is in ")[1].strip())
    assert_array_equal(np.load(kept), load(place / "run").transform(X).toarray())
    kept.unlink()
    kept.parent.rmdir()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    for out in ("s3://codes/mine", "s3://codes/mine.npy"):
        assert "check the address, and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY" in message(out)


@needs_server
def test_nothing_is_lost_where_connections_are_dropped(place, store, server, tmp_path, monkeypatch):
    """One connection of 8 is dropped."""
    run("fit", place / "rows", "--k", 4, "--latents", 32, "--epochs", 2, "-o", tmp_path / "whole", "--no-report")
    run("encode", tmp_path / "whole", place / "rows", "-o", tmp_path / "codes", "--shard-rows", 50)
    with dropping_proxy(server[0].removeprefix("http://"), every=8) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{proxy.address}")
        source = "s3://sources/rows"
        run("fit", source, "--k", 4, "--latents", 32, "--epochs", 2, "-o", tmp_path / "run", "--no-report")
        fit_drops = proxy.dropped
        run("encode", tmp_path / "whole", source, "-o", "s3://codes/dropped", "--shard-rows", 50)
        assert fit_drops >= 1
        assert proxy.dropped >= fit_drops + 3
    assert (tmp_path / "run/weights.safetensors").read_bytes() == (tmp_path / "whole/weights.safetensors").read_bytes()
    assert content(store, "codes/dropped") == on_disk(tmp_path / "codes")


SLOW_SHARDS = """
import sys, time
import numpy as np
from taciturn.data.sources import Rows, write_path, write_shards

def write(path, rows):
    time.sleep(0.02)
    write_path(path, [rows.read(0, len(rows))], n_rows=len(rows))

rows = Rows(np.random.default_rng(0).standard_normal((1000, 3)))
print("begins", flush=True)
write_shards(sys.argv[1], rows, write, rows_per_shard=50, ending=".npy", content={})
"""


@needs_server
def test_a_killed_process_leaves_whole_shards_and_is_continued(store):
    random = np.random.default_rng(0)
    expected = random.standard_normal((1000, 3))
    command = [sys.executable, "-c", SLOW_SHARDS, "s3://codes/killed"]
    for _ in range(3):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(random.uniform(0.05, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    files = content(store, "codes/killed")
    manifest = json.loads(files.pop("manifest.json"))
    assert [shard["file"] for shard in manifest["shards"]] == sorted(files)
    assert_array_equal(np.concatenate([np.load(BytesIO(files[name])) for name in sorted(files)]), expected)


# --- without a server ---------------------------------------------------------------------------------------------
class Stream(BytesIO):
    """A file in `StandIn`: like a store's, it appears when it is closed, also where an error closes it."""

    def __init__(self, files, path):
        super().__init__()
        self.close_into = files, path

    def write(self, data):
        if not self.tell():
            _thread.interrupt_main()  # as Ctrl-C within the first write
            time.sleep(0.1)
        return super().write(data)

    def close(self):
        if not self.closed:
            files, path = self.close_into
            files[path] = self.getvalue()
        super().close()


class StandIn:
    def __init__(self, lost_bytes=0):
        self.files, self.lost_bytes = {}, lost_bytes

    def open_output_stream(self, path):
        return Stream(self.files, path)

    def get_file_info(self, path):
        return types.SimpleNamespace(size=len(self.files[path]) - self.lost_bytes)


def test_a_signal_leaves_no_part_of_a_file(monkeypatch):
    stand_in = StandIn()
    monkeypatch.setattr(uploads, "open_store", lambda url: (stand_in, "bucket/rows"))
    monkeypatch.setattr(uploads, "CHUNK_BYTES", 10)
    with pytest.raises(KeyboardInterrupt), uploaded("s3://bucket/rows") as path:
        path.write_bytes(b"a" * 95)
    assert stand_in.files == {"bucket/rows": b"a" * 95}
    with pytest.raises(DataError), uploaded("s3://bucket/rows"):
        raise DataError("the rows end here")
    assert stand_in.files == {"bucket/rows": b"a" * 95}


def test_a_file_that_did_not_arrive_is_noticed(monkeypatch):
    monkeypatch.setattr(Stream, "write", BytesIO.write)
    monkeypatch.setattr(uploads, "open_store", lambda url: (StandIn(lost_bytes=5), "bucket/rows"))
    message = r"^s3://bucket/rows: 95 bytes were sent, but the store has 90; check the address, and AWS"
    with pytest.raises(TaciturnError, match=message), uploaded("s3://bucket/rows") as path:
        path.write_bytes(b"a" * 95)
    assert not path.exists()


def codes_of(folder):
    return np.concatenate([np.load(file) for file in sorted(folder.glob("part-*.npy"))])


def test_codes_from_and_to_the_hub(place, tmp_path, monkeypatch):
    """Against a stand-in: a file system of fsspec on a folder."""
    fsspec = pytest.importorskip("fsspec")
    (tmp_path / "datasets/me").mkdir(parents=True)
    (tmp_path / "datasets/me/rows").symlink_to(place / "rows")
    hub = fsspec.filesystem("dir", path=str(tmp_path), fs=fsspec.filesystem("file", auto_mkdir=True))
    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(HfFileSystem=lambda: hub))
    command = ["encode", place / "run", "hf://datasets/me/rows", *SHARDS, "-o"]
    run(*command, tmp_path / "codes")
    (tmp_path / "datasets/me/codes").mkdir()
    for found in ("", ", 7 of them there before"):
        done = run(*command, "hf://datasets/me/codes/first")
        assert f"hf://datasets/me/codes/first: 7 shards{found}" in done.stderr
    assert on_disk(tmp_path / "datasets/me/codes/first") == on_disk(tmp_path / "codes")
    done = run(*command, "hf://datasets/me/other/first", code=1)
    assert "hf://datasets/me/other/first: there is no datasets/me/other; make it first" in done.stderr


def test_codes_from_and_to_google_storage(place, tmp_path, monkeypatch):
    """Against a stand-in: a local file system in place of Google's."""
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bucket/rows").symlink_to(place / "rows")
    (tmp_path / "bucket/codes").mkdir()

    def from_uri(url):
        return fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), url.removeprefix("gs://")

    monkeypatch.setattr(fs, "FileSystem", types.SimpleNamespace(from_uri=from_uri))
    command = ["encode", place / "run", "gs://bucket/rows/part-*.npy", *SHARDS, "-o"]
    run(*command, tmp_path / "codes")
    run(*command, "gs://bucket/codes")
    assert on_disk(tmp_path / "bucket/codes") == on_disk(tmp_path / "codes")
    assert "there is no other" in run(*command, "gs://other/codes", code=1).stderr


@pytest.mark.parametrize(
    "command",
    [
        ["report", "run", "-o", "s3://bucket/page.html"],
        ["compare", "run", "run", "-o", "s3://bucket/page.html"],
        ["export", "run", "--to", "npz", "-o", "s3://bucket/model.npz"],
        ["fit", "rows", "--k", "4", "-o", "s3://bucket/model"],
        ["impute", "rows/part-0.npy", "-o", "gs://bucket/rows.npy"],
        ["score", "detector", "rows", "-o", "scores.csv", "--report", "hf://datasets/me/rows/page.html"],
        ["encode", "s3://bucket/run", "rows", "-o", "codes.npy"],
    ],
)
def test_other_outputs_are_paths_of_the_disk(place, monkeypatch, command):
    monkeypatch.chdir(place)
    names, (url,) = sorted(os.listdir()), [each for each in command if "://" in each]
    done = run(*command, code=2)
    assert f"{url}: a path of the disk is required here, not a URL; copy it afterwards" in output_text(done)
    assert sorted(os.listdir()) == names


def test_an_unknown_package_for_a_store(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DataError, match="hf:// needs the package huggingface_hub"):
        uploads.check_url("hf://datasets/me/rows/codes.npy")
