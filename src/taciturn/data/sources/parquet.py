"""Reader and writer of Parquet tables, batch by batch."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ...core.atomic import atomic
from . import arrow_columns
from .arrow_shards import ParquetShard
from .batches import Batches, of_blocks
from .blocks import Blocks
from .columns import Names
from .format import Format, Selection
from .local_file import native_file
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
        The index of a pandas data frame is not a column: it becomes the rows' ids.
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

    with native_file(path) as content, pq.ParquetFile(content) as file:
        schema = file.schema_arrow
        fields = [schema.field(position) for position in arrow_columns.selected(schema, columns, drop)]
        batches = file.iter_batches(columns=[field.name for field in fields])
        in_order = (batch.select([field.name for field in fields]) for batch in batches)
        return arrow_columns.numbers(pa.schema(fields), in_order, file.metadata.num_rows, _ids(file))


def read_table(path: str | os.PathLike[str], selection: Selection) -> "tuple[pyarrow.Table, list[Any] | None]":
    """Return the selected columns in their own types, and the rows' ids; see `tables.read_table`."""
    import pyarrow.parquet as pq

    with native_file(path) as content, pq.ParquetFile(content) as file:
        schema = file.schema_arrow
        names = [
            schema.names[position] for position in arrow_columns.selected(schema, selection.columns, selection.drop)
        ]
        return file.read(columns=names, use_pandas_metadata=False).select(names), _ids(file)


def _ids(file: "pyarrow.parquet.ParquetFile") -> list[Any] | None:
    schema = file.schema_arrow
    index = [schema.names[position] for position in arrow_columns.index_positions(schema)]
    return arrow_columns.ids(file.read(columns=index, use_pandas_metadata=False).columns if index else [])


def write_table(path: str | os.PathLike[str], table: Batches) -> None:
    """Write a table; ids become the index of a pandas data frame."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = table.indexed()
    with atomic(path) as temporary, temporary.open("wb") as file, pq.ParquetWriter(file, table.schema) as writer:
        batches: list[pa.RecordBatch] = []
        n_bytes = 0
        for batch in table.batches:
            batches.append(batch)
            n_bytes += batch.nbytes
            if n_bytes >= min(_COLUMN_BYTES * len(table.schema), _MAX_GROUP_BYTES):
                writer.write_table(pa.Table.from_batches(batches))
                batches, n_bytes = [], 0
        if batches:
            writer.write_table(pa.Table.from_batches(batches))


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as a table; columns without names are called 0, 1, …"""
    write_table(path, of_blocks(blocks))


def labels(path: Path, column: str | None, selection: Selection) -> NDArray[Any]:
    """Return one column of a .parquet file as labels; see `read_labels`."""
    import pyarrow.parquet as pq

    with native_file(path) as content, pq.ParquetFile(content) as file:
        name = arrow_columns.column_of(file.schema_arrow, column)
        return arrow_columns.labels(file.read(columns=[name], use_pandas_metadata=False).column(name))


FORMAT = Format(
    ".parquet",
    lambda path, selection: read(path, columns=selection.columns, drop=selection.drop),
    write,
    write_table,
    labels,
    shard=ParquetShard,
)
