"""A file on the disk that is read at any place."""

import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ...core.errors import DataError
from ...core.messages import one_line

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class LocalFile:
    """A file on the disk. It is opened for each read, so that any number of files may be read by any thread.

    Parameters
    ----------
    path : str
        The file's path.
    n_bytes : int
        Its size.
    """

    path: str
    n_bytes: int

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> "LocalFile":
        """Return the file at a path; raise DataError if it is empty."""
        text = os.fsdecode(path)
        if not (n_bytes := os.stat(text).st_size):
            raise DataError("the file is empty; remove it, or write it again")
        return cls(text, n_bytes)

    @property
    def name(self) -> str:
        """The path as one line."""
        return one_line(self.path)

    def open(self) -> IO[bytes]:
        """Return the file, without a buffer."""
        return open(self.path, "rb", buffering=0)

    def arrow(self, *, mapped: bool = False) -> "pyarrow.NativeFile":
        """Return the file for pyarrow, which may map it into memory."""
        import pyarrow as pa

        try:
            return pa.memory_map(self.path) if mapped else pa.OSFile(self.path)
        except UnicodeEncodeError:  # pyarrow itself opens only names in UTF-8
            return pa.PythonFile(self.open(), "r")
