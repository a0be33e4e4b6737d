"""Writer of sparse rows in SciPy's own format, which `scipy.sparse.load_npz` reads."""

import os
import shutil
import zipfile
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import DTypeLike

from ...core.atomic import atomic
from ...core.errors import DataError
from .npy import write_header

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def write_sparse(path: str | os.PathLike[str], blocks: "Iterable[csr_array]", *, n_rows: int, n_columns: int) -> None:
    """Write blocks of sparse rows as one SciPy CSR array in an .npz archive.

    Only one block is in memory at a time, beside eight bytes per row. Until the end, the entries are in unnamed files
    in the same folder; the archive appears only when it is complete.

    Parameters
    ----------
    path : str or path-like
        The .npz file; an existing one is replaced.
    blocks : iterable of CSR arrays [rows, n_columns]
        All of one type.
    n_rows, n_columns : int
        Shape of the whole array.

    Raises
    ------
    DataError
        The blocks do not hold `n_rows` rows.
    TaciturnError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from scipy import sparse
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_sparse(f"{folder}/codes.npz", [sparse.csr_array(np.eye(2))] * 2, n_rows=4, n_columns=2)
    ...     sparse.load_npz(f"{folder}/codes.npz").shape
    (4, 2)
    """
    with (
        atomic(path) as temporary,
        TemporaryFile(dir=temporary.parent) as values,
        TemporaryFile(dir=temporary.parent) as columns,
    ):
        row_ends, n_entries, written, dtype = [np.zeros(1, np.int64)], 0, 0, np.dtype(np.float32)
        for block in blocks:
            dtype = block.data.dtype
            values.write(np.ascontiguousarray(block.data).data)
            columns.write(np.ascontiguousarray(block.indices, np.int32).data)
            row_ends.append(block.indptr[1:].astype(np.int64) + n_entries)
            n_entries, written = n_entries + block.nnz, written + block.shape[0]
        if written != n_rows:
            raise DataError(f"n_rows={n_rows}, but the blocks hold {written} rows; give n_rows={written}")
        with zipfile.ZipFile(temporary, "w") as archive:
            small = {"format": np.array(b"csr"), "_is_array": np.array(True), "shape": np.array([n_rows, n_columns])}
            for name, array in (small | {"indptr": np.concatenate(row_ends)}).items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    npy_format.write_array(member, array, allow_pickle=False)
            _add_array(archive, "data", values, dtype, n_entries)
            _add_array(archive, "indices", columns, np.int32, n_entries)


def _add_array(archive: zipfile.ZipFile, name: str, file: IO[bytes], dtype: DTypeLike, count: int) -> None:
    """Add a file of `count` numbers to an archive as the array `name`."""
    file.seek(0)
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        write_header(member, np.dtype(dtype), (count,))
        shutil.copyfileobj(file, member, 1 << 20)
