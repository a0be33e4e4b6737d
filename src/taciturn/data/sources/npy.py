"""NumPy's own files: .npy as a memory map, one array of an .npz."""

import os
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from ...core.atomic import atomic
from ...core.errors import DataError
from .blocks import Blocks
from .source import Rows

# What scipy.sparse.save_npz writes, whatever the format.
_SPARSE = {"format", "shape", "data"}


def read(path: str | os.PathLike[str]) -> Rows:
    """Return the array of an .npy file, left on the disk."""
    with open(path, "rb") as file:
        _refuse_objects(file)
    return Rows(npy_format.open_memmap(path, mode="r"))


def read_archive(path: str | os.PathLike[str], *, key: str | None = None) -> Rows:
    """Return one array of an .npz file: the one called `key`, or its only one."""
    with zipfile.ZipFile(path) as archive:
        keys = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        known = ", ".join(keys) or "nothing"
        if key is None and set(keys) >= _SPARSE:
            dense = f"numpy.save('rows.npy', scipy.sparse.load_npz({Path(path).name!r}).toarray())"
            raise DataError(f"the archive holds a sparse matrix; save it as a dense array: {dense}")
        if key is None and len(keys) != 1:
            raise DataError(f"the archive holds {known}; name one array: {Path(path).name}:{(keys or ['KEY'])[0]}")
        key = keys[0] if key is None else key
        if key not in keys:
            raise DataError(f"no array {key!r}; the archive holds {known}")
        with archive.open(f"{key}.npy") as member:
            _refuse_objects(member)
        with archive.open(f"{key}.npy") as member:
            return Rows(npy_format.read_array(member, allow_pickle=False))


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write the blocks as one .npy array; the names are not kept, the format has no place for them."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        _write_array(file, blocks)


def write_archive(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write the blocks as the array `rows` of an .npz archive; the names are not kept."""
    with (
        atomic(path) as temporary,
        zipfile.ZipFile(temporary, "w") as archive,
        archive.open("rows.npy", "w", force_zip64=True) as file,
    ):
        _write_array(file, blocks)


def _write_array(file: IO[bytes], blocks: Blocks) -> None:
    write_header(file, blocks.dtype, (blocks.n_rows, *blocks.shape))
    for block in blocks:
        file.write(block.data)


def write_header(file: IO[bytes], dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> None:
    """Write what stands before an array's numbers in the .npy format."""
    descr = npy_format.dtype_to_descr(dtype)
    npy_format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


def _refuse_objects(file: IO[bytes]) -> None:
    # Objects are pickles, which run code when they are loaded; NumPy's own refusal proposes to allow that.
    version = npy_format.read_magic(file)
    read_header = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    if read_header(file)[2].hasobject:
        raise DataError("the array holds Python objects, not numbers; save array.astype(float)")
