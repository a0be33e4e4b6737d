"""Rows by name: scikit-learn's own copies, MNIST from a path, the cache or a (local) server."""

import gzip
import hashlib
import struct
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import datasets as peers

from taciturn.core.errors import DataError, RecipeError
from taciturn.datasets import load, mnist, names

TRAIN = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
TEST = 255 - TRAIN[:2]


def packed(images):
    return gzip.compress(struct.pack(">4I", 0x803, *images.shape) + images.tobytes())


def all_rows(source):
    return source.read(0, len(source))


def is_images(source, images):
    assert (source.shape, source.dtype) == ((28, 28), np.uint8)
    assert_array_equal(all_rows(source), images.reshape(len(images), 784))


# --- scikit-learn's ---------------------------------------------------------------------------------------


def test_the_digits_are_images():
    digits = load("digits")
    assert (digits.shape, digits.columns, len(digits)) == ((8, 8), None, 1797)
    assert_array_equal(all_rows(digits), peers.load_digits().data / 16)
    assert all_rows(digits).max() == 1


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "linnerud"])
def test_the_others_have_names(name):
    frame = getattr(peers, f"load_{name}")(as_frame=True).data
    source = load(name)
    assert source.columns == tuple(frame)
    assert {type(column) for column in source.columns} == {str}
    assert_array_equal(all_rows(source), frame.to_numpy())


def test_columns_of_every_kind_can_be_selected(tmp_path):
    assert load("iris", columns=["petal width (cm)"]).read(0, 1).tolist() == [[0.2]]
    assert load("digits", drop=range(62)).shape == (2,)
    with pytest.raises(DataError, match=r"^iris: no column 'petal'; nearest: 'petal length"):
        load("iris", drop="petal")
    (tmp_path / "a.csv").write_text("x,word\n1,a\n")
    assert load(tmp_path / "a.csv", drop="word").columns == ("x",)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed(TRAIN))
    assert_array_equal(all_rows(load("mnist", columns=[783], path=tmp_path)), TRAIN[:, -1, -1:])


# --- names and files --------------------------------------------------------------------------------------


def test_every_name_is_listed():
    assert set(names()) == {
        *("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine"),
        *("mnist", "fashion_mnist"),
    }


def test_a_file_does_not_shadow_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").write_text("1,2\n")
    (tmp_path / "mnist").mkdir()
    assert load("digits").shape == (8, 8)
    with pytest.raises(RecipeError, match="digits: the format of this ending is unknown"):
        load("./digits")
    (tmp_path / "digits.csv").write_text("1,2\n")
    assert load("digits.csv").shape == (2,)


@pytest.mark.parametrize("wrong", ["digit", "digits.pdf", "Iris", "fashion-mnist:test"])
def test_the_error_for_an_unknown_name_suggests_the_nearest(wrong):
    nearest = {"d": "digits", "I": "iris", "f": "fashion_mnist"}[wrong[0]]
    with pytest.raises(
        DataError, match=f"'{wrong}' is neither a file nor a data set; nearest: {nearest}.*; there are "
    ):
        load(wrong)


def test_other_wrong_usage():
    with pytest.raises(DataError, match="mnist:valid: no such split; use mnist:train or mnist:test"):
        load("mnist:valid")
    with pytest.raises(RecipeError, match=r"path= is for mnist and fashion_mnist only; use load\('x\.npy'\)"):
        load("digits", path="x.npy")
    with pytest.raises(DataError, match=r"missing\.npy: no such file"):
        load("missing.npy")


def test_naming_loads_neither_sklearn_nor_pyarrow():
    code = (
        "import sys; from taciturn.datasets import names; names();"
        "sys.exit(bool({'sklearn', 'pyarrow', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- MNIST from a path ------------------------------------------------------------------------------------


def test_mnist_from_a_path(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed(TRAIN))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(gzip.decompress(packed(TEST)))
    np.savez(tmp_path / "mnist.npz", x_train=TRAIN, y_train=np.arange(5), x_test=TEST)
    is_images(load("mnist", path=tmp_path), TRAIN)
    is_images(load("fashion_mnist:test", path=str(tmp_path)), TEST)
    is_images(load("mnist:train", path=tmp_path / "train-images-idx3-ubyte.gz"), TRAIN)
    is_images(load("mnist", path=tmp_path / "mnist.npz"), TRAIN)
    is_images(load("mnist:test", path=tmp_path / "mnist.npz"), TEST)
    is_images(load("mnist", path=f"{tmp_path}/mnist.npz:x_test"), TEST)


def test_a_path_without_the_images(tmp_path):
    with pytest.raises(DataError, match=r"holds no train-images-idx3-ubyte\.gz; put it there"):
        load("mnist", path=tmp_path)
    with pytest.raises(DataError, match=r"a\.npz: no such file"):
        load("mnist", path=tmp_path / "a.npz")
    np.save(tmp_path / "labels.npy", np.arange(5))
    with pytest.raises(DataError, match=r"labels\.npy holds int64 rows of shape \(1,\); mnist is uint8"):
        load("mnist", path=tmp_path / "labels.npy")


# --- the cache and the download ---------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TACITURN_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A mirror of both sets on this machine; its log holds the requested paths."""
    log = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            log.append(self.path)

    for name, part, images in [
        ("mnist", "train", TRAIN),
        ("mnist", "test", TEST),
        ("fashion_mnist", "train", TRAIN[::-1]),
    ]:
        file = tmp_path / "mirror" / name / mnist._FILES[part]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(packed(images))
        monkeypatch.setitem(mnist.SHA256, (name, part), hashlib.sha256(packed(images)).hexdigest())
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=tmp_path / "mirror"))
    http.log = log
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("TACITURN_MIRROR", f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=partial(http.serve_forever, poll_interval=0.01))
    thread.start()
    yield http
    http.shutdown()
    thread.join()
    http.server_close()


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_it_is_downloaded_once(cache, server, monkeypatch):
    is_images(load("mnist"), TRAIN)
    is_images(load("mnist:test"), TEST)
    is_images(load("fashion_mnist"), TRAIN[::-1])
    assert len(server.log) == 3
    assert files_in(cache) == [
        "fashion_mnist/train-images-idx3-ubyte.gz",
        "mnist/t10k-images-idx3-ubyte.gz",
        "mnist/train-images-idx3-ubyte.gz",
    ]
    monkeypatch.setenv("TACITURN_MIRROR", "http://127.0.0.1:9")  # nothing listens there
    is_images(load("mnist"), TRAIN)
    assert len(server.log) == 3


def test_a_wrong_checksum_is_not_kept(cache, server, monkeypatch):
    monkeypatch.setitem(mnist.SHA256, ("mnist", "train"), "0" * 64)
    with pytest.raises(DataError, match="its SHA-256 differs") as caught:
        load("mnist")
    assert f"put train-images-idx3-ubyte.gz into {cache / 'mnist'}, or name the file itself in place of mnist" in str(
        caught.value
    )
    assert files_in(cache) == []


def test_a_missing_file_is_one_line(cache, server):
    with pytest.raises(
        DataError, match=r"fashion_mnist/t10k-images-idx3-ubyte\.gz cannot be fetched .*404.*; put t10k"
    ):
        load("fashion_mnist:test")
    assert files_in(cache) == []


@pytest.mark.parametrize("mirror", ["http://127.0.0.1:9", "nonsense"])
def test_without_a_network_the_message_names_a_workaround(cache, monkeypatch, mirror):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("TACITURN_MIRROR", mirror)
    with pytest.raises(DataError) as caught:
        load("mnist")
    assert "\n" not in str(caught.value)
    assert f"put train-images-idx3-ubyte.gz into {cache / 'mnist'}" in str(caught.value)
    (cache / "mnist").mkdir(parents=True)
    (cache / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(packed(TRAIN))
    is_images(load("mnist"), TRAIN)


def test_the_cache_is_the_users(tmp_path, monkeypatch):
    monkeypatch.delenv("TACITURN_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for home, folder, images in [
        ("", tmp_path / "home/.cache", TRAIN),
        (str(tmp_path / "xdg"), tmp_path / "xdg", TRAIN[::-1]),
    ]:
        monkeypatch.setenv("XDG_CACHE_HOME", home)
        target = folder / "taciturn/mnist/train-images-idx3-ubyte.gz"
        target.parent.mkdir(parents=True)
        target.write_bytes(packed(images))
        is_images(load("mnist"), images)


def test_every_part_has_a_digest():
    # A slip of the keyboard would show on a user's machine only.
    assert {len(digest) for digest in mnist.SHA256.values()} == {64}
    assert set(mnist.SHA256) == {(name, part) for name in mnist.NAMES for part in ("train", "test")}
