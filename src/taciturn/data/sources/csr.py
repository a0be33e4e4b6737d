"""Rows of which most values are 0, as SciPy's own file: `scipy.sparse.load_npz` reads it."""

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
    """Write blocks [rows, n_columns] one by one as one SciPy CSR array [n_rows, n_columns], in an .npz archive.

    Only one block is in memory at a time, beside eight bytes a row, and the file stands only once it is whole. Until
    then the entries lie in files without a name beside it.
    """
    with (
        atomic(path) as temporary,
        TemporaryFile(dir=temporary.parent) as values,
        TemporaryFile(dir=temporary.parent) as columns,
    ):
        ends, count, written, dtype = [np.zeros(1, np.int64)], 0, 0, np.dtype(np.float32)
        for block in blocks:
            dtype = block.data.dtype
            values.write(np.ascontiguousarray(block.data).data)
            columns.write(np.ascontiguousarray(block.indices, np.int32).data)
            ends.append(block.indptr[1:].astype(np.int64) + count)
            count, written = count + block.nnz, written + block.shape[0]
        if written != n_rows:
            raise DataError(f"n_rows={n_rows}, but the blocks held {written} rows")
        with zipfile.ZipFile(temporary, "w") as archive:
            small = {"format": np.array(b"csr"), "_is_array": np.array(True), "shape": np.array([n_rows, n_columns])}
            for name, array in (small | {"indptr": np.concatenate(ends)}).items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    npy_format.write_array(member, array, allow_pickle=False)
            _pour(archive, "data", values, dtype, count)
            _pour(archive, "indices", columns, np.int32, count)


def _pour(archive: zipfile.ZipFile, name: str, file: IO[bytes], dtype: DTypeLike, count: int) -> None:
    """Put a file of so many numbers into an archive as an array."""
    file.seek(0)
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        write_header(member, np.dtype(dtype), (count,))
        shutil.copyfileobj(file, member, 1 << 20)
