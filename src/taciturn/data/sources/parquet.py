"""Parquet: the numeric columns of a table, read batch by batch."""

import os
from typing import TYPE_CHECKING

import numpy as np

from ...core.atomic import atomic
from .blocks import Blocks
from .columns import Names, kept, not_numbers
from .source import Rows

if TYPE_CHECKING:
    import pyarrow

# pyarrow is imported where it is used: naming a data set or asking for help should not wait for it.


def read(path: str | os.PathLike[str], *, columns: Names | None = None, drop: Names | None = None) -> Rows:
    """Return the table's numbers as float32, or as float64 where float32 would lose some; nulls are NaN.

    Booleans are 0 and 1. Columns that are not kept may hold anything.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        # pandas stores a frame's unnamed row labels as a column; they are no feature.
        fields = [field for field in file.schema_arrow if not field.name.startswith("__index_level_")]
        positions = kept([field.name for field in fields], len(fields), columns, drop)
        fields = [fields[position] for position in positions]
        words = {field.name: str(field.type) for field in fields if _dtype(field.type) is None}
        if words:
            raise not_numbers(words)
        dtype = np.result_type(np.float32, *filter(None, (_dtype(field.type) for field in fields)))
        names = tuple(field.name for field in fields)
        rows = np.empty((file.metadata.num_rows, len(names)), dtype)
        start = 0
        for batch in file.iter_batches(columns=list(names)):
            stop = start + batch.num_rows
            for column, name in enumerate(names):
                # Unsafe: of whole numbers above 2⁵³ the last digits go, as everywhere in NumPy.
                values = batch.column(name).cast(pa.from_numpy_dtype(dtype), safe=False)
                rows[start:stop, column] = values.to_numpy(zero_copy_only=False)
            start = stop
    return Rows(rows, columns=names)


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write the blocks as a table, a row group each; columns without names are called 0, 1, …"""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = pa.from_numpy_dtype(blocks.dtype)
    schema = pa.schema([(name, kind) for name in blocks.names])
    with atomic(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for block in blocks:
            writer.write_batch(pa.record_batch([pa.array(column) for column in block.T], schema=schema))


def _dtype(kind: "pyarrow.DataType") -> np.dtype[np.generic] | None:
    """Return the NumPy type of a column's numbers; None if they are none."""
    from pyarrow import types

    if types.is_boolean(kind) or types.is_null(kind):
        return np.dtype(np.uint8)
    if types.is_integer(kind) or types.is_floating(kind):
        own: np.dtype[np.generic] = np.dtype(kind.to_pandas_dtype())
        return own
    return np.dtype(np.float64) if types.is_decimal(kind) else None
