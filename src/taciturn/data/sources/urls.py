"""Files behind a URL: Amazon's S3 and stores like it, Google's storage, and Hugging Face's hub."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError, RecipeError
from ...core.messages import one_line
from .folders import natural

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
    """

    url: str
    filesystem: Any
    path: str
    n_bytes: int

    @property
    def name(self) -> str:
        """The URL as one line."""
        return one_line(self.url)

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

    scheme, _, rest = url.partition("://")
    name = one_line(url)
    if scheme not in _SCHEMES:
        raise RecipeError(f"{name}: known URLs begin with {', '.join(f'{each}://' for each in _SCHEMES)}")
    if "@" in rest.partition("/")[0]:
        raise RecipeError(f"{scheme}://…: a URL with a password would be saved with the run; set {_SCHEMES[scheme]}")
    try:
        filesystem, path = _opened(scheme, url)
        found = filesystem.get_file_info(path.rstrip("/"))
        if found.type == fs.FileType.File:
            infos = [found]
        elif glob.has_magic(path):
            folder = path[: re.search(r"[*?[]", path).start()].rpartition("/")[0]  # type: ignore[union-attr]
            everything = filesystem.get_file_info(fs.FileSelector(folder, recursive=True, allow_not_found=True))
            infos = [info for info in everything if _fits(info.path, path)]
        else:
            infos = filesystem.get_file_info(fs.FileSelector(path.rstrip("/"), allow_not_found=True))
    except (DataError, RecipeError):
        raise
    except Exception as error:  # each store has its own
        raise DataError(f"{name}: {one_line(error)}; check the address, and {_SCHEMES[scheme]}") from error
    infos = [info for info in infos if info.type == fs.FileType.File and not info.base_name.startswith((".", "_"))]
    if not infos:
        raise DataError(f"{name}: no such file or folder; correct the name")
    infos = sorted(infos, key=lambda info: natural(info.path))
    return [RemoteFile(f"{scheme}://{info.path}", filesystem, info.path, info.size) for info in infos]


def _fits(path: str, pattern: str) -> bool:
    """Return whether a path fits a pattern, whose * stands for no slash and whose ** for any folders."""
    parts = [re.escape("") if part == "**" else fnmatch.translate(part) for part in pattern.split("/")]
    names = path.split("/")
    if "**" not in pattern.split("/"):
        return len(names) == len(parts) and all(map(re.fullmatch, parts, names))
    return fnmatch.fnmatch(path, pattern.replace("**/", "*"))


def _opened(scheme: str, url: str) -> tuple[Any, str]:
    """Return the store of a URL, and the path in it."""
    from pyarrow import fs

    if scheme == "hf":
        try:
            from huggingface_hub import HfFileSystem
        except ImportError as error:
            raise DataError("hf:// needs the package huggingface_hub: pip install huggingface_hub") from error
        return fs.PyFileSystem(fs.FSSpecHandler(HfFileSystem())), url.removeprefix("hf://")
    if scheme == "gs" or "?" in url:
        filesystem, path = fs.FileSystem.from_uri(url.replace("*", "%2A"))
        return filesystem, path.replace("%2A", "*")
    path = url.removeprefix("s3://")
    retries = fs.AwsStandardS3RetryStrategy(max_attempts=MAX_ATTEMPTS)
    own_store = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if own_store:  # given so, buckets are a part of the path and not of the host's name
        protocol, _, host = own_store.rpartition("://")
        store = fs.S3FileSystem(endpoint_override=host, scheme=protocol or "https", retry_strategy=retries)
    else:
        store = fs.S3FileSystem(region=fs.resolve_s3_region(path.partition("/")[0]), retry_strategy=retries)
    return store, path
