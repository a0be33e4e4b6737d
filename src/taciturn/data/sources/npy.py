"""NumPy's .npy files, read as memory maps."""

import os
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from ...core.atomic import atomic
from ...core.errors import DataError
from .blocks import Blocks
from .columns import select
from .format import Format
from .source import Rows


def read(path: str | os.PathLike[str]) -> Rows:
    """Return the array of an .npy file as a memory map; raise DataError if it holds Python objects."""
    with open(path, "rb") as file:
        refuse_objects(file)
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


def refuse_objects(file: IO[bytes]) -> None:
    """Raise DataError if an array in the .npy format holds Python objects."""
    # Objects are pickles, which run code when they are loaded; NumPy's own error message suggests to allow that.
    version = npy_format.read_magic(file)
    read_header = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    if read_header(file)[2].hasobject:
        raise DataError("the array holds Python objects, not numbers; save array.astype(float)")


FORMAT = Format(".npy", lambda path, selection: select(read(path), selection.columns, selection.drop), write)
