"""A folder that shards are written to: the protocol, and a folder on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from ...core.atomic import atomic_folder
from ...core.checksum import checksum
from ...core.errors import TaciturnError
from ...core.messages import one_line
from ...core.temporary import lock, remove_leftovers


class OutFolder(Protocol):
    """The protocol of a folder, on the disk or in a store, that shards are written to.

    A file appears in it only when it is complete. What refuses is an OSError where a file is read, and a TaciturnError
    where it is written.
    """

    @property
    def name(self) -> str:
        """The folder's name as one line, for messages."""

    def names(self) -> list[str]:
        """Return the names of what is in the folder; none if it does not exist."""

    def begin(self, file: str, write: Callable[[Path], None]) -> None:
        """Make the folder, which does not exist or is empty, with its first file."""

    def only_writer(self) -> AbstractContextManager[None]:
        """Return a context in which no other process writes to the folder, where that can be known."""

    def remove_leftovers(self) -> None:
        """Remove what killed processes left."""

    def read(self, file: str) -> bytes:
        """Return a file's content."""

    def size_and_checksum(self, file: str) -> tuple[int, str]:
        """Return a file's bytes and its BLAKE2b checksum, read from the file as it is now."""

    def write(self, file: str, write: Callable[[Path], None]) -> tuple[int, str]:
        """Write a file by a function that writes a path on the disk, whole or not at all; return bytes and checksum."""

    def remove(self, file: str) -> None:
        """Remove a file if it is there."""


class DiskFolder:
    """A folder on the disk.

    Parameters
    ----------
    path : str or path-like
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.name = one_line(path)

    def names(self) -> list[str]:
        """Return the names of what is in the folder."""
        return [file.name for file in self.path.iterdir()] if self.path.is_dir() else []

    def begin(self, file: str, write: Callable[[Path], None]) -> None:
        """Make the folder with its first file."""
        with atomic_folder(self.path, objection=lambda _: "holds files") as temporary:
            write(temporary / file)

    @contextmanager
    def only_writer(self) -> Iterator[None]:
        """Lock the folder."""
        descriptor = None
        with suppress(OSError):  # Windows cannot open folders
            descriptor = os.open(self.path, os.O_RDONLY)
        try:
            if descriptor is not None and not lock(descriptor):
                raise TaciturnError(f"another process writes to {self.name}; wait until it ends, or end it")
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def remove_leftovers(self) -> None:
        """Remove what killed processes left."""
        remove_leftovers(self.path)

    def read(self, file: str) -> bytes:
        """Return a file's content."""
        return (self.path / file).read_bytes()

    def size_and_checksum(self, file: str) -> tuple[int, str]:
        """Return a file's bytes and its checksum."""
        return (self.path / file).stat().st_size, checksum(self.path / file)

    def write(self, file: str, write: Callable[[Path], None]) -> tuple[int, str]:
        """Write a file by a function that writes a path whole or not at all."""
        write(self.path / file)
        return self.size_and_checksum(file)

    def remove(self, file: str) -> None:
        """Remove a file if it is there."""
        (self.path / file).unlink(missing_ok=True)
