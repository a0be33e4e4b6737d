"""Reader and writer of Parquet tables, batch by batch."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core.atomic import atomic
from .blocks import Blocks
from .columns import Names, column_positions, not_numeric
from .format import Format
from .source import Rows

if TYPE_CHECKING:
    import pyarrow

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.


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

    with pq.ParquetFile(path) as file:
        # pandas stores a frame's unnamed row labels as a column, which is not a feature.
        fields = [field for field in file.schema_arrow if not field.name.startswith("__index_level_")]
        positions = column_positions([field.name for field in fields], len(fields), columns, drop)
        fields = [fields[position] for position in positions]
        types = {field.name: str(field.type) for field in fields if _dtype(field.type) is None}
        if types:
            raise not_numeric(types)
        dtype = np.result_type(np.float32, *filter(None, (_dtype(field.type) for field in fields)))
        names = tuple(field.name for field in fields)
        rows = np.empty((file.metadata.num_rows, len(names)), dtype)
        start = 0
        for batch in file.iter_batches(columns=list(names)):
            stop = start + batch.num_rows
            for column, name in enumerate(names):
                # Unsafe cast: whole numbers above 2⁵³ lose their last digits, as everywhere in NumPy.
                values = batch.column(name).cast(pa.from_numpy_dtype(dtype), safe=False)
                rows[start:stop, column] = values.to_numpy(zero_copy_only=False)
            start = stop
    return Rows(rows, columns=names)


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as a table, one row group each; columns without names are called 0, 1, …"""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow_type = pa.from_numpy_dtype(blocks.dtype)
    schema = pa.schema([(name, arrow_type) for name in blocks.names])
    with atomic(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for block in blocks:
            writer.write_batch(pa.record_batch([pa.array(column) for column in block.T], schema=schema))


def _dtype(arrow_type: "pyarrow.DataType") -> np.dtype[np.generic] | None:
    """Return the NumPy type for a column's numbers; None if the column is not numeric."""
    from pyarrow import types

    if types.is_boolean(arrow_type) or types.is_null(arrow_type):
        return np.dtype(np.uint8)
    if types.is_integer(arrow_type) or types.is_floating(arrow_type):
        dtype: np.dtype[np.generic] = np.dtype(arrow_type.to_pandas_dtype())
        return dtype
    return np.dtype(np.float64) if types.is_decimal(arrow_type) else None


def table(path: Path) -> "pyarrow.Table":
    """Return all columns of a .parquet file, text included."""
    import pyarrow.parquet as pq

    return pq.read_table(path)


FORMAT = Format(
    ".parquet", lambda path, selection: read(path, columns=selection.columns, drop=selection.drop), write, table
)
