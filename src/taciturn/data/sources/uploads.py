"""Files written to an object store: each on the disk first, then copied as a whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.checksum import checksum, checksum_of
from ...core.errors import RecipeError, TaciturnError
from ...core.messages import one_line
from .urls import open_store, store_errors

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.

CHUNK_BYTES = 1 << 23  # of a file that are read and sent at a time


def check_url(url: str) -> None:
    """Check that a store answers and has the bucket of a URL, before the work.

    Raises
    ------
    RecipeError
        The URL is none of a store, or names a bucket alone.
    TaciturnError
        The store refuses the key, or there is no such bucket.
    """
    from pyarrow import fs

    name = one_line(url)
    with store_errors(url):
        filesystem, path = open_store(url)
        parts = PurePosixPath(path).parts
        # what is there before the first file: a bucket, or a repository of the hub
        n_root = (3 if parts[:1] in (("datasets",), ("spaces",)) else 2) if url.startswith("hf://") else 1
        if len(parts) <= n_root:
            raise RecipeError(f"{name} is a bucket; name a file or a folder in it")
        root = "/".join(parts[:n_root])
        if filesystem.get_file_info(root).type == fs.FileType.NotFound:
            raise TaciturnError(f"{name}: there is no {root}; make it first, or correct the name")


@contextmanager
def uploaded(url: str, *, keep: bool = False) -> Iterator[Path]:
    """Yield a path on the disk; its file is copied to a URL when the block ends without an error.

    The disk holds the file until then (in the folder TMPDIR of the environment). In the store the file appears, or
    replaces an older one, when all of it was sent.

    Parameters
    ----------
    url : str
    keep : bool, default=False
        Whether to leave the file on the disk if the store refuses it; the message then names it.

    Raises
    ------
    TaciturnError
        The store refuses the file.
    """
    folder = Path(tempfile.mkdtemp(prefix="taciturn-"))
    file = folder / PurePosixPath(url).name
    is_kept = False
    try:
        yield file
        try:
            # In a thread, which no signal ends: a stream that is left early puts a part of the file into the store.
            # It runs before the copy begins, because one that a signal meets while it starts is not waited for.
            with store_errors(url), ThreadPoolExecutor(1) as thread:
                filesystem, path = thread.submit(open_store, url).result()
                thread.submit(_copy, file, filesystem, path).result()
        except TaciturnError as error:
            is_kept = keep
            raise (TaciturnError(f"{error}; what was to be written there is in {file}") if keep else error) from error
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)


def _copy(file: Path, filesystem: Any, path: str) -> None:
    """Copy a file of the disk into a store.

    pyarrow's `copy_files` does not close what it writes, and so hides that the store refuses the last part.
    """
    with file.open("rb") as content, filesystem.open_output_stream(path) as stream:
        shutil.copyfileobj(content, stream, CHUNK_BYTES)
    if (size := filesystem.get_file_info(path).size) != file.stat().st_size:
        raise OSError(f"{file.stat().st_size:,} bytes were sent, but the store has {size or 0:,}")


class StoreFolder:
    """A folder in an object store; see `OutFolder`. Stores have no locks: a second writer is not noticed.

    Parameters
    ----------
    url : str
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.name = one_line(url)
        self._filesystem, self._path = open_store(self.url)

    def names(self) -> list[str]:
        """Return the names of what is in the folder."""
        from pyarrow import fs

        with store_errors(self.url):
            infos = self._filesystem.get_file_info(fs.FileSelector(self._path, allow_not_found=True))
        return [info.base_name for info in infos]

    def begin(self, file: str, write: Callable[[Path], None]) -> None:
        """Write the first file; stores have no folders."""
        self.write(file, write)

    @contextmanager
    def only_writer(self) -> Iterator[None]:
        """Return at once."""
        yield

    def remove_leftovers(self) -> None:
        """Return at once: a killed process leaves nothing that is seen in the store."""

    def read(self, file: str) -> bytes:
        """Return a file's content."""
        with self._filesystem.open_input_stream(f"{self._path}/{file}") as stream:
            content: bytes = stream.read()
        return content

    def size_and_checksum(self, file: str) -> tuple[int, str]:
        """Return a file's bytes and its checksum, for which it is read."""
        with self._filesystem.open_input_file(f"{self._path}/{file}") as stream:
            return stream.size(), checksum_of(stream)

    def write(self, file: str, write: Callable[[Path], None]) -> tuple[int, str]:
        """Write a file on the disk and copy it."""
        with uploaded(f"{self.url}/{file}") as path:
            write(path)
            size_and_checksum = path.stat().st_size, checksum(path)
        return size_and_checksum

    def remove(self, file: str) -> None:
        """Remove a file if it is there."""
        with store_errors(self.url):
            try:
                self._filesystem.delete_file(f"{self._path}/{file}")
            except FileNotFoundError:
                return
