"""Writers of sparse rows: SciPy's own format, which `scipy.sparse.load_npz` reads, and Parquet tables of lists."""

import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import DTypeLike

from ...core.atomic import atomic
from ...core.errors import DataError, RecipeError
from ...core.messages import one_line
from .npy import write_header

if TYPE_CHECKING:
    from scipy.sparse import csr_array


_GROUP_BYTES = 16 * 2**20  # of a row group of a Parquet file


def write_sparse(
    path: str | os.PathLike[str],
    blocks: "Iterable[csr_array]",
    *,
    n_rows: int,
    n_columns: int,
    ids: Sequence[Any] | None = None,
) -> None:
    """Write blocks of sparse rows as one SciPy CSR array in an .npz archive, or as lists in a Parquet table.

    Only some blocks are in memory at a time. The entries of an archive are in unnamed files in the same folder until
    the end; the file appears only when it is complete.

    Parameters
    ----------
    path : str or path-like
        The .npz or .parquet file; an existing one is replaced. The table has the columns `indices` (of the entries
        other than 0, from 0) and `values`, a list for each row; its metadata has `n_columns`.
    blocks : iterable of CSR arrays [rows, n_columns]
        All of one type.
    n_rows, n_columns : int
        Shape of the whole array.
    ids : sequence, optional
        An id for each row, for .parquet: a first column `id`.

    Raises
    ------
    RecipeError
        The ending is another one.
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
    ending = Path(path).suffix.lower()
    if ending == ".npz":
        _write_archive(path, blocks, n_rows, n_columns)
    elif ending == ".parquet":
        _write_lists(path, blocks, n_rows, n_columns, ids)
    else:
        raise RecipeError(f"{one_line(path)}: sparse rows cannot be written with this ending; give .npz or .parquet")


def _write_archive(path: str | os.PathLike[str], blocks: "Iterable[csr_array]", n_rows: int, n_columns: int) -> None:
    with (
        atomic(path) as temporary,
        TemporaryFile(dir=temporary.parent) as values,
        TemporaryFile(dir=temporary.parent) as columns,
        TemporaryFile(dir=temporary.parent) as row_ends,
    ):
        n_entries, written, dtype = 0, 0, np.dtype(np.float32)
        row_ends.write(np.zeros(1, np.int64).data)
        for block in blocks:
            dtype = block.data.dtype
            values.write(np.ascontiguousarray(block.data).data)
            columns.write(np.ascontiguousarray(block.indices, np.int32).data)
            row_ends.write((block.indptr[1:].astype(np.int64) + n_entries).data)
            n_entries, written = n_entries + block.nnz, written + block.shape[0]
        _check_count(n_rows, written)
        with zipfile.ZipFile(temporary, "w") as archive:
            small = {"format": np.array(b"csr"), "_is_array": np.array(True), "shape": np.array([n_rows, n_columns])}
            for name, array in small.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    npy_format.write_array(member, array, allow_pickle=False)
            _add_array(archive, "indptr", row_ends, np.int64, n_rows + 1)
            _add_array(archive, "data", values, dtype, n_entries)
            _add_array(archive, "indices", columns, np.int32, n_entries)


def _write_lists(
    path: str | os.PathLike[str],
    blocks: "Iterable[csr_array]",
    n_rows: int,
    n_columns: int,
    ids: Sequence[Any] | None,
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = None if ids is None else pa.array(ids)

    def batches() -> Iterator[pa.RecordBatch]:
        written = 0
        for block in blocks:
            starts = pa.array(block.indptr, pa.int32())
            columns = {} if labels is None else {"id": labels[written : written + block.shape[0]]}
            columns["indices"] = pa.ListArray.from_arrays(starts, pa.array(block.indices, pa.int32()))
            columns["values"] = pa.ListArray.from_arrays(starts, pa.array(block.data))
            written += block.shape[0]
            yield pa.record_batch(columns)
        _check_count(n_rows, written)

    rest = batches()
    group = [next(rest)]
    schema = group[0].schema.with_metadata({"n_columns": str(n_columns)})
    with atomic(path) as temporary, temporary.open("wb") as file, pq.ParquetWriter(file, schema) as writer:
        for batch in rest:
            if sum(each.nbytes for each in group) >= _GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(group))
                group = []
            group.append(batch)
        writer.write_table(pa.Table.from_batches(group))


def _check_count(n_rows: int, written: int) -> None:
    if written != n_rows:
        raise DataError(f"n_rows={n_rows}, but the blocks hold {written} rows; give n_rows={written}")


def _add_array(archive: zipfile.ZipFile, name: str, file: IO[bytes], dtype: DTypeLike, count: int) -> None:
    """Add a file of `count` numbers to an archive as the array `name`."""
    file.seek(0)
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        write_header(member, np.dtype(dtype), (count,))
        shutil.copyfileobj(file, member, 1 << 20)
