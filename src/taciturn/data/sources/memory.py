"""Arrays in memory, allocated and filled only as far as a file can fill them."""

import os
from gzip import GzipFile
from math import inf, prod
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError

# Deflate makes at most 1,032 bytes of one (Adler and Gailly: zlib's technical details).
MAX_INFLATION = 1032
_CHUNK_BYTES = 1 << 20


def empty_rows(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    """Return an array of this shape without values, to be filled.

    Parameters
    ----------
    shape : tuple of int
        As a file declares it.
    dtype : dtype

    Returns
    -------
    array

    Raises
    ------
    DataError
        This machine's memory is too small for it.

    Examples
    --------
    >>> empty_rows((2, 3), np.dtype(np.float32)).shape
    (2, 3)
    >>> empty_rows((10**9, 10**6), np.dtype(np.float32))
    Traceback (most recent call last):
    taciturn.core.errors.DataError: the rows need 4,000,000.0 GB of memory, more than there is; select columns, ...
    """
    n_bytes = prod(shape) * dtype.itemsize
    message = (
        f"the rows need {n_bytes / 1e9:,.1f} GB of memory, more than there is; select columns, or save the rows as "
        ".npy, which stays on the disk"
    )
    if n_bytes > machine_bytes():
        raise DataError(message)
    try:
        return np.empty(shape, dtype)
    except MemoryError as error:
        raise DataError(message) from error


def fill(array: NDArray[np.generic], file: IO[bytes] | GzipFile) -> int:
    """Read the bytes of an array from a file; return their number, which is smaller where the file ends before."""
    content = array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")
    filled = 0
    while filled < len(content):
        chunk = file.read(min(_CHUNK_BYTES, len(content) - filled))
        if not chunk:
            break
        content[filled : filled + len(chunk)] = chunk
        filled += len(chunk)
    return filled


def machine_bytes() -> float:
    """Return the size of this machine's memory; infinity where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return inf
