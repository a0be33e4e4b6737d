"""Reader and writer of Parquet tables, batch by batch."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.atomic import atomic
from ...core.errors import DataError
from .blocks import Blocks
from .columns import Names, column_positions, label_position, not_numeric
from .format import Format
from .memory import empty_rows
from .source import Rows

if TYPE_CHECKING:
    import pyarrow

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.

# The size of a row group that is written. Its description, about 2 kB per column, stays in memory until the file is
# complete.
_COLUMN_BYTES, _MAX_GROUP_BYTES = 16 * 2**10, 64 * 2**20


def read(path: str | os.PathLike[str], *, columns: Names | None = None, drop: Names | None = None) -> Rows:
    """Return the table of a .parquet file.

    Parameters
    ----------
    path : str or path-like
        The index that pandas stores for unnamed row labels is not a column.
    columns, drop
        As for `select`. Columns that are left out may hold any type.

    Returns
    -------
    Rows
        float32, or float64 if a column's type does not fit into float32. Nulls are NaN, booleans 0 and 1.

    Raises
    ------
    DataError
        A selected column is not numeric.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open(path, "rb") as content, pq.ParquetFile(content) as file:  # pyarrow itself opens only names in UTF-8
        fields = _fields(file)
        positions = column_positions([field.name for field in fields], len(fields), columns, drop)
        fields = [fields[position] for position in positions]
        types = {field.name: str(field.type) for field in fields if _dtype(field.type) is None}
        if types:
            raise not_numeric(types)
        dtype = np.result_type(np.float32, *filter(None, (_dtype(field.type) for field in fields)))
        names = tuple(field.name for field in fields)
        n_rows = file.metadata.num_rows
        rows = empty_rows((n_rows, len(names)), dtype)
        start = 0
        for batch in file.iter_batches(columns=list(names)):
            stop = start + batch.num_rows
            for column, name in enumerate(names):
                values = batch.column(name)
                if pa.types.is_decimal(values.type):
                    values = values.cast(pa.string())  # the direct cast is off by the last bit
                # Unsafe cast: whole numbers above 2⁵³ lose their last digits, as everywhere in NumPy.
                numbers = values.cast(pa.from_numpy_dtype(dtype), safe=False)
                rows[start:stop, column] = numbers.to_numpy(zero_copy_only=False)
            start = stop
        if start != n_rows:
            raise DataError(f"{start:,} rows where the footer declares {n_rows:,}; the file is damaged: copy it again")
    return Rows(rows, columns=names)


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as a table; columns without names are called 0, 1, …"""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow_type = pa.from_numpy_dtype(blocks.dtype)
    schema = pa.schema([(name, arrow_type) for name in blocks.names])
    with atomic(path) as temporary, temporary.open("wb") as file, pq.ParquetWriter(file, schema) as writer:
        batches: list[pa.RecordBatch] = []
        n_bytes = 0
        for block in blocks:
            batches.append(pa.record_batch([pa.array(column) for column in block.T], schema=schema))
            n_bytes += block.nbytes
            if n_bytes >= min(_COLUMN_BYTES * len(schema), _MAX_GROUP_BYTES):
                writer.write_table(pa.Table.from_batches(batches))
                batches, n_bytes = [], 0
        if batches:
            writer.write_table(pa.Table.from_batches(batches))


def _dtype(arrow_type: "pyarrow.DataType") -> np.dtype[np.generic] | None:
    """Return the NumPy type for a column's numbers; None if the column is not numeric."""
    from pyarrow import types

    if types.is_boolean(arrow_type) or types.is_null(arrow_type):
        return np.dtype(np.uint8)
    if types.is_integer(arrow_type) or types.is_floating(arrow_type):
        dtype: np.dtype[np.generic] = np.dtype(arrow_type.to_pandas_dtype())
        return dtype
    return np.dtype(np.float64) if types.is_decimal(arrow_type) else None


def _fields(file: "pyarrow.parquet.ParquetFile") -> "list[pyarrow.Field]":
    """Return the columns, without the one that pandas stores for a frame's unnamed row labels."""
    return [field for field in file.schema_arrow if not field.name.startswith("__index_level_")]


def labels(path: Path, column: str | None, header: bool | None) -> NDArray[Any]:
    """Return one column of a .parquet file as labels; see `read_labels`."""
    import pyarrow.parquet as pq
    from pyarrow import types

    with open(path, "rb") as content, pq.ParquetFile(content) as file:
        names = [field.name for field in _fields(file)]
        values = file.read(columns=[names[label_position(names, len(names), column)]]).column(0)
    if types.is_integer(values.type) or types.is_floating(values.type) or types.is_boolean(values.type):
        numbers: NDArray[Any] = values.to_numpy()
        return numbers
    return np.array([None if value is None else str(value) for value in values.to_pylist()], dtype=object)


FORMAT = Format(
    ".parquet", lambda path, selection: read(path, columns=selection.columns, drop=selection.drop), write, labels
)
