"""Files in an object store: a server of S3 that the test starts, if it is installed; and stand-ins for other stores."""

import os
import sys
import time
import types

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal
from pyarrow import fs

from object_store import needs_server
from taciturn.core.errors import DataError, RecipeError
from taciturn.data.sources import blocks_of, open_path, urls
from taciturn.data.survey import survey
from test_shards import CUTS, X, assert_rows, table

PARTS = [X[a:b] for a, b in zip(CUTS, CUTS[1:], strict=False) if b > a]  # noqa: RUF007


@pytest.fixture
def store(server, monkeypatch, tmp_path):
    """A store with a folder of .npy files and one of tables; the environment has the right key."""
    address, filesystem = server
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "user")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "right")
    for number, part in enumerate(PARTS):
        np.save(tmp_path / "a.npy", part)
        pq.write_table(table(part), tmp_path / "a.parquet", row_group_size=100)
        for ending in ("npy", "parquet"):
            with filesystem.open_output_stream(f"rows/{ending}/part-{8 + number}.{ending}") as file:
                file.write((tmp_path / f"a.{ending}").read_bytes())
    return filesystem


@needs_server
def test_rows_are_read_from_an_object_store(store):
    for where in ("npy", "npy/", "npy/part-*.npy", "**/*.npy", "parquet"):
        source = open_path(f"s3://rows/{where}", streamed=True)
        assert_rows(source, X)
        assert len(blocks_of(source)) > 4
    assert_rows(open_path("s3://rows/npy"), X)
    assert_array_equal(open_path("s3://rows/npy/part-9.npy").read(0, 9), PARTS[1])
    assert_array_equal(open_path("s3://rows/parquet", columns=["c5"], streamed=True).read(0, 999)[:, 0], X[:999, 5])


@needs_server
@pytest.mark.parametrize("ending", ["npy", "parquet"])
def test_a_survey_of_an_object_store_is_remembered_until_a_file_is_written_again(store, monkeypatch, ending):
    def measured():
        return survey(open_path(f"s3://rows/{ending}", streamed=True))

    monkeypatch.setattr("taciturn.data.sources.local_file.SETTLED_NS", 10**13)
    assert not measured().remembered
    assert not measured().remembered  # the files were written too shortly before
    monkeypatch.setattr("taciturn.data.sources.local_file.SETTLED_NS", -(10**10))
    first, again = measured(), measured()
    assert (first.remembered, again.remembered) == (False, True)
    assert again.fingerprint == first.fingerprint
    time.sleep(1.1)  # the store counts whole seconds
    file = f"rows/{ending}/part-8.{ending}"
    with store.open_input_stream(file) as stream:
        content = stream.read()
    with store.open_output_stream(file) as stream:
        stream.write(content)
    assert not measured().remembered


@needs_server
def test_a_wrong_key_and_a_wrong_name_are_one_line(store, monkeypatch):
    with pytest.raises(DataError, match=r"^s3://rows/other: no such file or folder; correct the name$"):
        open_path("s3://rows/other")
    with pytest.raises(DataError, match=r"^s3://rows/npy/ready\*: no such file"):
        open_path("s3://rows/npy/ready*")
    source = open_path("s3://rows/npy", streamed=True)
    store.delete_file("rows/npy/part-9.npy")
    with pytest.raises(DataError, match=r"^s3://rows/npy/part-9.npy"):
        source.read(0, 1000)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(DataError) as caught:
        open_path("s3://rows/npy")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("s3://rows/npy: ")
    assert "check the address, and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and" in str(caught.value)


def test_urls_that_are_not_read():
    with pytest.raises(RecipeError, match=r"known URLs begin with s3://, gs://, hf://$"):
        open_path("ftp://host/rows.npy")
    with pytest.raises(RecipeError, match="a URL with a password would be saved with the run") as caught:
        open_path("s3://user:secret@bucket/rows.npy")
    assert "secret" not in str(caught.value)


def test_the_hub_is_read_by_its_own_file_system(tmp_path, monkeypatch):
    """Against a stand-in: a file system of fsspec on a folder."""
    fsspec = pytest.importorskip("fsspec")
    for number, part in enumerate(PARTS):
        os.makedirs(tmp_path / "datasets/me/rows", exist_ok=True)
        np.save(tmp_path / f"datasets/me/rows/part-{8 + number}.npy", part)
    hub = fsspec.filesystem("dir", path=str(tmp_path), fs=fsspec.filesystem("file"))
    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(HfFileSystem=lambda: hub))
    assert_rows(open_path("hf://datasets/me/rows", streamed=True), X)
    assert_rows(open_path("hf://datasets/me/rows/*.npy", streamed=True), X)
    with pytest.raises(DataError, match="hf://datasets/me/other: no such file or folder"):
        open_path("hf://datasets/me/other")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DataError, match="hf:// needs the package huggingface_hub"):
        open_path("hf://datasets/me/rows")


def test_google_storage_is_opened_by_its_address(monkeypatch, tmp_path):
    """Against a stand-in: a local file system in place of Google's."""
    for number, part in enumerate(PARTS):
        np.save(tmp_path / f"part-{8 + number}.npy", part)
    opened = []

    def from_uri(url):
        opened.append(url)
        return fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), url.removeprefix("gs://bucket/")

    monkeypatch.setattr(fs, "FileSystem", types.SimpleNamespace(from_uri=from_uri))
    assert_rows(open_path("gs://bucket/part-*.npy", streamed=True), X)
    assert opened == ["gs://bucket/part-%2A.npy"]


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("b/rows/part-1.npy", "b/rows/*.npy", True),
        ("b/rows/deep/part-1.npy", "b/rows/*.npy", False),
        ("b/rows/deep/part-1.npy", "b/**/*.npy", True),
        ("b/rows/part-1.npy", "b/**/part-[12].npy", True),
        ("b/rows/part-3.npy", "b/**/part-[12].npy", False),
    ],
)
def test_patterns(path, pattern, fits):
    assert urls._fits(path, pattern) == fits
