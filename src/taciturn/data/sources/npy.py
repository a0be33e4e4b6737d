"""Readers and writers of NumPy's own files: .npy as a memory map, one array of an .npz."""

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

# Keys that scipy.sparse.save_npz writes for every sparse format.
_SPARSE_KEYS = {"format", "shape", "data"}


def read(path: str | os.PathLike[str]) -> Rows:
    """Return the array of an .npy file as a memory map; raise DataError if it holds Python objects."""
    with open(path, "rb") as file:
        _refuse_objects(file)
    return Rows(npy_format.open_memmap(path, mode="r"))


def read_archive(path: str | os.PathLike[str], *, key: str | None = None) -> Rows:
    """Return one array of an .npz file.

    Parameters
    ----------
    path : str or path-like
    key : str, optional
        Name of the array. It may be left out if the archive holds only one.

    Returns
    -------
    Rows
        In memory.

    Raises
    ------
    DataError
        The name is unknown, or missing where there are several arrays; or the array is sparse or holds Python objects.
    """
    with zipfile.ZipFile(path) as archive:
        keys = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        known = ", ".join(keys) or "nothing"
        if key is None and set(keys) >= _SPARSE_KEYS:
            dense = f"numpy.save('rows.npy', scipy.sparse.load_npz({Path(path).name!r}).toarray())"
            raise DataError(f"the archive holds a sparse matrix; save it as a dense array: {dense}")
        if key is None and len(keys) != 1:
            raise DataError(f"the archive holds {known}; name one array: {Path(path).name}:{(keys or ['KEY'])[0]}")
        key = keys[0] if key is None else key
        if key not in keys:
            raise DataError(f"no array {key!r}; the archive holds {known}: name one of them")
        with archive.open(f"{key}.npy") as member:
            _refuse_objects(member)
        with archive.open(f"{key}.npy") as member:
            return Rows(npy_format.read_array(member, allow_pickle=False))


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as one .npy array; the columns' names are lost, because the format has no place for them."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        _write_array(file, blocks)


def write_archive(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as the array `rows` of an .npz archive; the columns' names are lost."""
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
    """Write the header of the .npy format, version 1.0, for an array of this type and shape in C order."""
    descr = npy_format.dtype_to_descr(dtype)
    npy_format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


def _refuse_objects(file: IO[bytes]) -> None:
    # Objects are pickles, which run code when they are loaded; NumPy's own error message suggests to allow that.
    version = npy_format.read_magic(file)
    read_header = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    if read_header(file)[2].hasobject:
        raise DataError("the array holds Python objects, not numbers; save array.astype(float)")
