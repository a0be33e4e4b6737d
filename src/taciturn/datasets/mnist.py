"""MNIST and Fashion-MNIST, from a given path, the cache, or one download into the cache."""

import hashlib
import os
import urllib.request
from http.client import HTTPException
from pathlib import Path

from ..core.atomic import atomic
from ..core.cache_folder import cache_folder
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
    """Return the images of one of `NAMES`, uint8 of shape (28, 28).

    Parameters
    ----------
    name : str
        One of `NAMES`.
    split : {"train", "test"}, default="train"
        The 60,000 training images or the 10,000 test images.
    path : str or path-like, optional
        A folder with the IDX files, one IDX file, or an .npz file with `x_train` and `x_test`. By default the cache,
        into which the images are downloaded once: the folder of TACITURN_DATA, or `taciturn` in the user's cache
        folder. TACITURN_MIRROR names another server for the download.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        The split is unknown; or the images are missing, of another type or shape, or cannot be downloaded.
    """
    if split not in _FILES:
        raise DataError(f"{name}:{split}: no such split; use {' or '.join(f'{name}:{known}' for known in _FILES)}")
    file = _cached_file(name, split) if path is None else _local_file(Path(path), split)
    images = open_path(file)
    if images.shape != (28, 28) or images.dtype != "uint8":
        raise DataError(
            f"{file} holds {images.dtype} rows of shape {images.shape}; {name} is uint8 of shape (28, 28): "
            "give another file"
        )
    return images


def _local_file(path: Path, split: str) -> str | Path:
    if path.is_dir():
        file = _existing_file(path, split)
        if file is None:
            raise DataError(f"{path} holds no {_FILES[split]}; put it there")
        return file
    return f"{path}:x_{split}" if path.suffix.lower() == ".npz" else path


def _existing_file(folder: Path, split: str) -> Path | None:
    compressed = folder / _FILES[split]
    return next((file for file in (compressed, compressed.with_suffix("")) if file.is_file()), None)


def _cached_file(name: str, split: str) -> Path:
    folder = cache_folder() / name
    file = _existing_file(folder, split)
    if file is not None:
        return file
    target = folder / _FILES[split]
    content = _download(name, split, folder)
    with atomic(target) as temporary:
        temporary.write_bytes(content)
    return target


def _download(name: str, split: str, folder: Path) -> bytes:
    mirror = os.environ.get("TACITURN_MIRROR")
    url = f"{f'{mirror}/{name}' if mirror else _ADDRESSES[name]}/{_FILES[split]}"
    workaround = f"put {_FILES[split]} into {folder}, or name the file itself in place of {name}"
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            content: bytes = response.read()
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a mirror that is not an address
        raise DataError(f"{name}: {url} cannot be fetched ({error}); {workaround}") from error
    if hashlib.sha256(content).hexdigest() != SHA256[name, split]:
        raise DataError(f"{name}: {url} sent another file (its SHA-256 differs), which was discarded; {workaround}")
    return content
