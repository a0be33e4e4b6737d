"""Reader of LeCun's IDX, the format of MNIST: four bytes of magic, big-endian sizes, big-endian numbers."""

import gzip
import os
import struct
from math import prod
from typing import IO

import numpy as np

from ...core.errors import DataError
from .columns import select
from .format import Format
from .memory import MAX_INFLATION, empty_rows, fill
from .source import Rows

# The magic's third byte. The first two are zero, the fourth is the number of axes.
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read(path: str | os.PathLike[str]) -> Rows:
    """Return the array of an IDX file, compressed by gzip or not; raise DataError if its bytes do not fit."""
    with open(path, "rb") as file:
        # Detected by content, because browsers decompress a .gz and keep its name.
        is_compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        n_bytes = os.fstat(file.fileno()).st_size
        if not is_compressed:
            return _read(file, n_bytes)
        with gzip.GzipFile(fileobj=file) as content:
            return _read(content, n_bytes * MAX_INFLATION)


def _read(file: IO[bytes] | gzip.GzipFile, max_bytes: int) -> Rows:
    """Return the array of a file that holds at most `max_bytes`. No more bytes are read than its header declares."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or magic[3] == 0:
        raise DataError(f"not an IDX file: it starts with {magic.hex(' ') or 'nothing'}; check its ending")
    dtype, n_axes = np.dtype(_TYPES[magic[2]]), magic[3]
    start, sizes = 4 + 4 * n_axes, file.read(4 * n_axes)
    if len(sizes) < 4 * n_axes:
        raise DataError(f"the header is cut off after {4 + len(sizes)} of {start} bytes; download the file again")
    shape = struct.unpack(f">{n_axes}I", sizes)
    expected = start + prod(shape) * dtype.itemsize
    if expected > max_bytes:
        raise DataError(f"at most {max_bytes} bytes where shape {shape} requires {expected}; download the file again")
    array = empty_rows(shape, dtype)
    found = start + fill(array, file)
    if found < expected or file.read(1):
        more = "" if found < expected else "more than "
        raise DataError(f"{more}{found} bytes where shape {shape} requires {expected}; download the file again")
    return Rows(array)


FORMAT = Format(
    ".idx",
    lambda path, selection: select(read(path), selection.columns, selection.drop),
    endings_text=".idx, -ubyte (both also .gz)",
    matches=lambda name: name.removesuffix(".gz").endswith(("-ubyte", ".idx")) or "idx" in name,
)
