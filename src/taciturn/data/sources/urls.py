"""Files behind a URL: Amazon's S3 and stores like it, Google's storage, and Hugging Face's hub."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError, RecipeError, TaciturnError
from ...core.messages import one_line
from .folders import natural
from .local_file import file_state

if TYPE_CHECKING:
    import pyarrow

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.

MAX_ATTEMPTS = 6  # of a request, between which the pause doubles
_SCHEMES = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for other stores than Amazon's, AWS_ENDPOINT_URL",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "hf": "HF_TOKEN",
}  # what each reads from the environment


def is_url(text: str) -> bool:
    """Return whether a text is a URL.

    Examples
    --------
    >>> is_url("s3://bucket/rows/"), is_url("rows.npz:key")
    (True, False)
    """
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


@dataclass(frozen=True)
class RemoteFile:
    """A file in a store. It is opened once, and read at any place by any thread.

    Parameters
    ----------
    url : str
        Where it is, for messages.
    filesystem : pyarrow.fs.FileSystem
    path : str
        Its path there.
    n_bytes : int
        Its size.
    modified : int or None, default=None
        When it was written last, in nanoseconds since 1970; None: unknown.
    """

    url: str
    filesystem: Any
    path: str
    n_bytes: int
    modified: int | None = None

    @property
    def name(self) -> str:
        """The URL as one line."""
        return one_line(self.url)

    @property
    def state(self) -> str | None:
        """What changes when the file is written again; see `file_state`."""
        return file_state(self.url, self.n_bytes, self.modified)

    def read_into(self, offset: int, content: NDArray[np.uint8]) -> None:
        """Read bytes from `offset` on."""
        data = self._opened.read_at(len(content), offset)
        if len(data) < len(content):
            raise DataError("it ended while it was read; copy it again")
        content[:] = np.frombuffer(data, np.uint8)

    def arrow(self, *, mapped: bool = False) -> pyarrow.NativeFile:
        """Return the file for pyarrow."""
        return self.filesystem.open_input_file(self.path)

    @cached_property
    def _opened(self) -> pyarrow.NativeFile:
        return self.arrow()


def files_at(url: str) -> list[RemoteFile]:
    """Return the files that a URL names: one file, those in a folder, or those of a pattern, in natural order.

    Raises
    ------
    RecipeError
        The URL begins with another name than s3, gs or hf, or holds a password.
    DataError
        There is none, or the store refuses the request.
    """
    from pyarrow import fs

    name, scheme = one_line(url), url.partition("://")[0]
    with store_errors(url):
        filesystem, path = open_store(url)
        found = filesystem.get_file_info(path.rstrip("/"))
        if found.type == fs.FileType.File:
            infos = [found]
        elif glob.has_magic(path):
            folder = path[: re.search(r"[*?[]", path).start()].rpartition("/")[0]  # type: ignore[union-attr]
            everything = filesystem.get_file_info(fs.FileSelector(folder, recursive=True, allow_not_found=True))
            infos = [info for info in everything if _fits(info.path, path)]
        else:
            infos = filesystem.get_file_info(fs.FileSelector(path.rstrip("/"), allow_not_found=True))
    infos = [info for info in infos if info.type == fs.FileType.File and not info.base_name.startswith((".", "_"))]
    if not infos:
        raise DataError(f"{name}: no such file or folder; correct the name")
    infos = sorted(infos, key=lambda info: natural(info.path))
    return [RemoteFile(f"{scheme}://{info.path}", filesystem, info.path, info.size, info.mtime_ns) for info in infos]


def _fits(path: str, pattern: str) -> bool:
    """Return whether a path fits a pattern, whose * stands for no slash and whose ** for any folders."""
    parts = [re.escape("") if part == "**" else fnmatch.translate(part) for part in pattern.split("/")]
    names = path.split("/")
    if "**" not in pattern.split("/"):
        return len(names) == len(parts) and all(map(re.fullmatch, parts, names))
    return fnmatch.fnmatch(path, pattern.replace("**/", "*"))


@contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Raise errors of the block, which asks the store of a URL for something, as one line that names the URL."""
    try:
        yield
    except TaciturnError:
        raise
    except Exception as error:  # each store has its own
        keys = _SCHEMES[url.partition("://")[0]]
        raise DataError(f"{one_line(url)}: {one_line(error)}; check the address, and {keys}") from error


def open_store(url: str) -> tuple[Any, str]:
    """Return the store of a URL, and the path in it.

    Parameters
    ----------
    url : str

    Returns
    -------
    filesystem : pyarrow.fs.FileSystem
    path : str
        It begins with the bucket.

    Raises
    ------
    RecipeError
        The URL begins with another name than s3, gs or hf, or holds a password.
    DataError
        The package for this store is not installed.
    """
    from pyarrow import fs

    scheme, _, path = url.partition("://")
    if scheme not in _SCHEMES:
        raise RecipeError(f"{one_line(url)}: known URLs begin with {', '.join(f'{each}://' for each in _SCHEMES)}")
    if "@" in path.partition("/")[0]:
        raise RecipeError(f"{scheme}://…: a URL with a password would be saved with the run; set {_SCHEMES[scheme]}")
    if scheme == "hf":
        try:
            from huggingface_hub import HfFileSystem
        except ImportError as error:
            raise DataError("hf:// needs the package huggingface_hub: pip install huggingface_hub") from error
        return fs.PyFileSystem(fs.FSSpecHandler(HfFileSystem())), path
    if scheme == "gs" or "?" in url:
        filesystem, path = fs.FileSystem.from_uri(url.replace("*", "%2A"))
        return filesystem, path.replace("%2A", "*")
    retries = fs.AwsStandardS3RetryStrategy(max_attempts=MAX_ATTEMPTS)
    own_store = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if own_store:  # given so, buckets are a part of the path and not of the host's name
        protocol, _, host = own_store.rpartition("://")
        store = fs.S3FileSystem(endpoint_override=host, scheme=protocol or "https", retry_strategy=retries)
    else:
        store = fs.S3FileSystem(region=_region(path.partition("/")[0]), retry_strategy=retries)
    return store, path


@cache
def _region(bucket: str) -> str:
    from pyarrow import fs

    region: str = fs.resolve_s3_region(bucket)
    return region
