"""NumPy's .npy files, read as memory maps."""

import os
import warnings
from io import BytesIO
from math import prod
from threading import Lock
from typing import IO, NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from ...core.atomic import atomic
from ...core.errors import DataError
from ...core.messages import one_line
from .blocks import Blocks
from .columns import select
from .format import Format, Selection
from .raw_shard import RawShard, ShardFile
from .source import Rows

_PARSING = Lock()
_MAX_HEADER = 10_000  # bytes; NumPy's own limit, which it checks after reading them


class Header(NamedTuple):
    """What the header of the .npy format declares, and the bytes of the header itself."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[np.generic]
    n_bytes: int

    @property
    def array_bytes(self) -> int:
        """The size of the numbers that follow the header."""
        return prod(self.shape) * self.dtype.itemsize


def read(path: str | os.PathLike[str]) -> Rows:
    """Return the array of an .npy file as a memory map; raise DataError if it is not one array of numbers."""
    with open(path, "rb") as file:
        header = read_header(file)
        check_size(header, os.fstat(file.fileno()).st_size)
        if not header.array_bytes:
            return Rows(np.empty(header.shape, header.dtype))
    return Rows(npy_format.open_memmap(path, mode="r"))


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as one .npy array; the columns' names are lost, because the format has no place for them."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        write_array(file, blocks)


def write_array(file: IO[bytes], blocks: Blocks) -> None:
    """Write blocks as one array in the .npy format."""
    write_header(file, blocks.dtype, (blocks.n_rows, *blocks.shape))
    for block in blocks:
        file.write(block.data)


def write_header(file: IO[bytes], dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> None:
    """Write the header of the .npy format, version 1.0, for an array of this type and shape in C order."""
    descr = npy_format.dtype_to_descr(dtype)
    npy_format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


def read_header(file: IO[bytes]) -> Header:
    """Return the header of an array in the .npy format; the file then stands at its first number.

    Raises
    ------
    DataError
        The array holds Python objects.
    Exception
        The header is damaged; it is a literal of Python, so the error may be of any type.
    """
    version = npy_format.read_magic(file)
    size = 2 if version == (1, 0) else 4
    length = file.read(size)
    if (declared := int.from_bytes(length, "little")) > _MAX_HEADER:
        raise ValueError(f"its header is {declared:,} bytes long")
    content = BytesIO(length + file.read(declared))
    read_parts = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    # one thread at a time: Python 3.11's parser, and its list of warnings, are not made for several
    with _PARSING, warnings.catch_warnings():  # Python 2's headers
        warnings.simplefilter("ignore")
        shape, is_fortran, dtype = read_parts(content)
    # Objects are pickles, which run code when they are loaded; NumPy's own error message suggests to allow that.
    if dtype.hasobject:
        raise DataError("the array holds Python objects, not numbers; save array.astype(float)")
    return Header(shape, is_fortran, dtype, 8 + size + declared)


def check_size(header: Header, file_bytes: int) -> None:
    """Raise DataError if a file of `file_bytes` does not hold exactly the array that its header declares."""
    expected = header.n_bytes + header.array_bytes
    if min(header.shape, default=0) < 0 or file_bytes < expected:
        raise DataError(
            f"{file_bytes:,} bytes where shape {one_line(header.shape, 80)} requires {expected:,}; "
            "the file is cut off: copy it again"
        )
    if file_bytes > expected:
        raise DataError(
            f"{file_bytes - expected:,} bytes follow the array; if it is whole, save it again: "
            "numpy.save(file, numpy.load(file))"
        )


def shard(file: ShardFile, selection: Selection) -> RawShard:
    """Return the array of a file, which is read in blocks and without a memory map."""
    with file.arrow() as content:
        header = read_header(content)
    check_size(header, file.n_bytes)
    if header.is_fortran and prod(header.shape[1:]) > 1:
        raise DataError("its rows are stored by columns (Fortran order); save np.ascontiguousarray(array)")
    return RawShard(file, header.n_bytes, header.dtype, header.shape)


FORMAT = Format(
    ".npy",
    lambda path, selection: select(read(path), selection.columns, selection.drop),
    write,
    shard=shard,
)
