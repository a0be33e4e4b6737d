"""A file on the disk that is read at any place."""

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ...core.messages import one_line

if TYPE_CHECKING:
    import pyarrow

SETTLED_NS = 2 * 10**9  # after which a file that is written again has another time; some stores count whole seconds


@dataclass(frozen=True)
class LocalFile:
    """A file on the disk. It is opened for each read, so that any number of files may be read by any thread.

    Parameters
    ----------
    path : str
        The file's path.
    n_bytes : int
        Its size.
    modified : int or None, default=None
        When it was written last, in nanoseconds since 1970; None: unknown.
    changed : int or None, default=None
        When it was written or replaced last, in the same unit, also where the file that took its place kept its own
        time (cp -p, unpacked archives). None: unknown.
    """

    path: str
    n_bytes: int
    modified: int | None = None
    changed: int | None = None

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> "LocalFile":
        """Return the file at a path."""
        text = os.fsdecode(path)
        status = os.stat(text)
        return cls(text, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    @property
    def name(self) -> str:
        """The path as one line."""
        return one_line(self.path)

    @property
    def state(self) -> str | None:
        """What changes when the file is written again or replaced; see `file_state`."""
        state = file_state(os.path.abspath(self.path), self.n_bytes, self.modified)
        return state and f"{state} {self.changed}"

    def read_into(self, offset: int, content: NDArray[np.uint8]) -> None:
        """Read bytes from `offset` on; raise DataError if the file was written again."""
        view = content.data
        with open(self.path, "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if status.st_size != self.n_bytes:
                raise DataError(f"it has {status.st_size:,} bytes now and had {self.n_bytes:,} before: put it back")
            if self.modified not in (None, status.st_mtime_ns):
                raise DataError("it was written again after it was found; load the rows again")
            file.seek(offset)
            while len(view):
                n_read = file.readinto(view)
                if not n_read:
                    raise DataError("it ended while it was read; copy it again")
                view = view[n_read:]

    def arrow(self, *, mapped: bool = False) -> "pyarrow.NativeFile":
        """Return the file for pyarrow, which may map it into memory."""
        return native_file(self.path, mapped=mapped)


def native_file(path: str | os.PathLike[str], *, mapped: bool = False) -> "pyarrow.NativeFile":
    """Open a file for pyarrow, without a file of Python, which its threads may not hold: see `text_file.open_utf8`."""
    import pyarrow as pa

    name = os.fsencode(path)  # pyarrow encodes a str as UTF-8, and not all names are
    return pa.memory_map(name) if mapped else pa.OSFile(name)


def file_state(place: str, n_bytes: int, modified: int | None) -> str | None:
    """Return a text that is another one once a file is written again.

    Parameters
    ----------
    place : str
        The file's absolute path, or its URL.
    n_bytes : int
        Its size.
    modified : int or None
        When it was written last, in nanoseconds since 1970.

    Returns
    -------
    str or None
        None where that is unknown, or less than two seconds ago: the file could be written again at the same time.

    Examples
    --------
    >>> file_state("/rows.npy", 80, 5), file_state("/rows.npy", 80, time.time_ns())
    ('/rows.npy 80 5', None)
    """
    if modified is None or time.time_ns() - modified < SETTLED_NS:
        return None
    return f"{place} {n_bytes} {modified}"
