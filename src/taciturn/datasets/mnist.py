"""MNIST and Fashion-MNIST: from a given path, else from the cache, else downloaded once."""

import hashlib
import os
import urllib.request
from http.client import HTTPException
from pathlib import Path

from ..core.atomic import atomic
from ..core.errors import DataError
from ..data.sources import Source, open_path

_ADDRESSES = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist",
    "fashion_mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
}
NAMES = tuple(_ADDRESSES)
_FILES = {"train": "train-images-idx3-ubyte.gz", "test": "t10k-images-idx3-ubyte.gz"}
SHA256 = {
    ("mnist", "train"): "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ("mnist", "test"): "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ("fashion_mnist", "train"): "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ("fashion_mnist", "test"): "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
}


def load(name: str, *, split: str = "train", path: str | os.PathLike[str] | None = None) -> Source:
    """Return the images of one of `NAMES`, uint8 of 28 × 28: 60,000 to train on, or the 10,000 of `test`.

    `path` is a folder with the IDX files, one such file, or an .npz with x_train and x_test.
    """
    if split not in _FILES:
        raise DataError(f"{name}:{split}: no such part; say {' or '.join(f'{name}:{part}' for part in _FILES)}")
    found = _cached(name, split) if path is None else _given(Path(path), split)
    images = open_path(found)
    if images.shape != (28, 28) or images.dtype != "uint8":
        raise DataError(f"{found} holds {images.dtype} rows of shape {images.shape}; {name} is uint8 of shape (28, 28)")
    return images


def _given(path: Path, split: str) -> str | Path:
    if path.is_dir():
        found = _inside(path, split)
        if found is None:
            raise DataError(f"{path} holds no {_FILES[split]}; put it there")
        return found
    return f"{path}:x_{split}" if path.suffix.lower() == ".npz" else path


def _inside(folder: Path, split: str) -> Path | None:
    packed = folder / _FILES[split]
    return next((file for file in (packed, packed.with_suffix("")) if file.is_file()), None)


def _cached(name: str, split: str) -> Path:
    folder = _cache_folder() / name
    found = _inside(folder, split)
    if found is not None:
        return found
    target = folder / _FILES[split]
    content = _download(name, split, folder)
    with atomic(target) as temporary:
        temporary.write_bytes(content)
    return target


def _cache_folder() -> Path:
    """Return TACITURN_DATA, else the user's cache folder's `taciturn`."""
    if own := os.environ.get("TACITURN_DATA"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "taciturn"


def _download(name: str, split: str, folder: Path) -> bytes:
    mirror = os.environ.get("TACITURN_MIRROR")
    url = f"{f'{mirror}/{name}' if mirror else _ADDRESSES[name]}/{_FILES[split]}"
    way_round = f"put {_FILES[split]} into {folder}, or name the file itself in place of {name}"
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            content: bytes = response.read()
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a mirror that is no address
        raise DataError(f"{name}: {url} cannot be fetched ({error}); {way_round}") from error
    if hashlib.sha256(content).hexdigest() != SHA256[name, split]:
        raise DataError(f"{name}: {url} sent another file (its SHA-256 differs), which was not kept; {way_round}")
    return content
