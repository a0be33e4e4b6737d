"""One array of NumPy's .npz archives, or the sparse rows that SciPy writes as such an archive."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.atomic import atomic
from ...core.errors import DataError
from ...core.messages import listed, one_line, quoted
from .blocks import Blocks
from .columns import select
from .format import Format
from .memory import MAX_INFLATION, empty_rows, fill
from .npy import check_size, read_header, write_array
from .source import Rows
from .sparse_rows import SparseRows

# Keys that scipy.sparse.save_npz writes for every sparse format, and the formats that are read.
_SPARSE_KEYS = {"format", "shape", "data"}
_SPARSE_FORMATS = ("csr", "csc")


def read(path: str | os.PathLike[str], *, key: str | None = None) -> Rows | SparseRows:
    """Return one array of an .npz file, or the sparse rows of one that SciPy wrote.

    Parameters
    ----------
    path : str or path-like
    key : str, optional
        Name of the array. It may be left out if the archive holds only one, or sparse rows.

    Returns
    -------
    Rows or SparseRows
        In memory.

    Raises
    ------
    DataError
        The name is unknown, or missing where there are several arrays; or the array holds Python objects; or sparse
        rows are damaged or neither CSR nor CSC.
    """
    with zipfile.ZipFile(path) as archive:
        keys = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        known = listed(keys) or "nothing"
        if key is None and set(keys) >= _SPARSE_KEYS:
            return _read_sparse(archive, Path(path).name)
        if key is None and len(keys) != 1:
            example = one_line(f"{Path(path).name}:{(keys or ['KEY'])[0]}", 80)
            raise DataError(f"the archive holds {known}; name one array: {example}")
        key = keys[0] if key is None else key
        if key not in keys:
            raise DataError(f"no array {quoted(key)}; the archive holds {known}: name one of them")
        return Rows(_read_array(archive, key))


def _read_sparse(archive: zipfile.ZipFile, name: str) -> SparseRows:
    """Return the rows that scipy.sparse.save_npz wrote; lengths and indices are checked before they are used."""
    from scipy.sparse import csc_array, csr_array

    kind = _read_array(archive, "format").item()
    kind = kind.decode("ascii", "replace") if isinstance(kind, bytes) else kind
    if kind not in _SPARSE_FORMATS:
        mend = f"scipy.sparse.save_npz({quoted(name)}, scipy.sparse.load_npz({quoted(name)}).tocsr())"
        raise DataError(f"the archive holds a sparse matrix of the format {kind!r}; save it as compressed rows: {mend}")
    n_rows, n_columns = shape = tuple(map(int, _read_array(archive, "shape")))
    for length in shape:  # compressed columns do not limit the rows' number, nor compressed rows that of the columns
        empty_rows((length + 1,), np.dtype(np.int64))
    data = _read_array(archive, "data")
    data = data.astype(data.dtype.newbyteorder("="), copy=False)
    indices, ends = (_read_array(archive, key) for key in ("indices", "indptr"))
    matrix = (csr_array if kind == "csr" else csc_array)((data, indices, ends), shape=(n_rows, n_columns))
    matrix.check_format(full_check=True)
    return SparseRows(matrix)


def _read_array(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    member = archive.getinfo(f"{key}.npy")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError("the archive is compressed in another way than NumPy's; save it by numpy.savez_compressed")
    if member.file_size > member.compress_size * MAX_INFLATION:
        raise DataError(
            f"{member.compress_size:,} bytes cannot hold the {member.file_size:,} that the archive declares; "
            "the file is damaged: copy it again"
        )
    with archive.open(member) as file:
        header = read_header(file)
        check_size(header, member.file_size)
        array = empty_rows(header.shape[::-1] if header.is_fortran else header.shape, header.dtype)
        fill(array, file)
        file.read(1)  # at the end the checksum is compared
    return array.T if header.is_fortran else array


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as the array `rows` of an .npz archive; the columns' names are lost."""
    with (
        atomic(path) as temporary,
        zipfile.ZipFile(temporary, "w") as archive,
        archive.open("rows.npy", "w", force_zip64=True) as file,
    ):
        write_array(file, blocks)


FORMAT = Format(
    ".npz",
    lambda path, selection: select(read(path, key=selection.key), selection.columns, selection.drop),
    write,
    endings_text=".npz, .npz:KEY",
)
