"""A file on the disk that is read at any place."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
        """Return the file at a path."""
        text = os.fsdecode(path)
        return cls(text, os.stat(text).st_size)

    @property
    def name(self) -> str:
        """The path as one line."""
        return one_line(self.path)

    def read_into(self, offset: int, content: NDArray[np.uint8]) -> None:
        """Read bytes from `offset` on; raise DataError if the file has another size than before."""
        view = content.data
        with open(self.path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size != self.n_bytes:
                raise DataError(f"it has {size:,} bytes now and had {self.n_bytes:,} before: put it back")
            file.seek(offset)
            while len(view):
                n_read = file.readinto(view)
                if not n_read:
                    raise DataError("it ended while it was read; copy it again")
                view = view[n_read:]

    def arrow(self, *, mapped: bool = False) -> "pyarrow.NativeFile":
        """Return the file for pyarrow, which may map it into memory."""
        import pyarrow as pa

        try:
            return pa.memory_map(self.path) if mapped else pa.OSFile(self.path)
        except UnicodeEncodeError:  # pyarrow itself opens only names in UTF-8
            return pa.PythonFile(open(self.path, "rb"), "r")
