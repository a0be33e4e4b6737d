"""Reader of LeCun's IDX, the format of MNIST: four bytes of magic, big-endian sizes, big-endian numbers."""

import gzip
import os
import struct
from math import prod
from pathlib import Path

import numpy as np

from ...core.errors import DataError
from .columns import select
from .format import Format
from .source import Rows

# The magic's third byte. The first two are zero, the fourth is the number of axes.
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read(path: str | os.PathLike[str]) -> Rows:
    """Return the array of an IDX file, compressed by gzip or not; raise DataError if its bytes do not fit."""
    content = Path(path).read_bytes()
    # Detected by content, because browsers decompress a .gz and keep its name.
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES or content[3] == 0:
        raise DataError(f"not an IDX file: it starts with {content[:4].hex(' ') or 'nothing'}; check its ending")
    dtype, n_axes = np.dtype(_TYPES[content[2]]), content[3]
    start = 4 + 4 * n_axes
    if len(content) < start:
        raise DataError(f"the header is cut off after {len(content)} of {start} bytes; download the file again")
    shape = struct.unpack_from(f">{n_axes}I", content, 4)
    expected = start + prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise DataError(f"{len(content)} bytes where shape {shape} requires {expected}; download the file again")
    return Rows(np.frombuffer(content, dtype, offset=start).reshape(shape))


FORMAT = Format(
    ".idx",
    lambda path, selection: select(read(path), selection.columns, selection.drop),
    endings_text=".idx, -ubyte (both also .gz)",
    matches=lambda name: name.removesuffix(".gz").endswith(("-ubyte", ".idx")) or "idx" in name,
)
