"""Reader and writer of Feather tables: Arrow's own file format, and its streams, which Hugging Face's datasets are."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ...core.atomic import atomic
from . import arrow_columns
from .arrow_shards import STREAM_MARK, ArrowShard
from .batches import Batches, of_blocks
from .blocks import Blocks
from .format import Format, Selection
from .local_file import native_file
from .source import Rows

if TYPE_CHECKING:
    import pyarrow


def read_table(path: str | os.PathLike[str], selection: Selection) -> "tuple[pyarrow.Table, list[Any] | None]":
    """Return the selected columns in their own types, and the rows' ids; see `tables.read_table`."""
    table = _whole(path)
    ids = arrow_columns.ids([table.column(position) for position in arrow_columns.index_positions(table.schema)])
    return table.select(arrow_columns.selected(table.schema, selection.columns, selection.drop)), ids


def read(path: str | os.PathLike[str], selection: Selection) -> Rows:
    """Return the selected columns as rows of numbers; see `arrow_columns.numbers`."""
    table, ids = read_table(path, selection)
    return arrow_columns.numbers(table.schema, table.to_batches(), table.num_rows, ids)


def labels(path: Path, column: str | None, selection: Selection) -> NDArray[Any]:
    """Return one column as labels; see `read_labels`."""
    table = _whole(path)
    return arrow_columns.labels(table.column(arrow_columns.column_of(table.schema, column)))


def _whole(path: str | os.PathLike[str]) -> "pyarrow.Table":
    """Return the table of a file of version 1 or 2, or of a stream."""
    import pyarrow as pa
    from pyarrow import feather

    with native_file(path) as content:
        if content.read(4) == STREAM_MARK:
            content.seek(0)
            table = pa.ipc.open_stream(content).read_all()
        else:
            table = feather.read_table(content, memory_map=False)
    table.validate(full=True)  # a damaged file may make pyarrow read beyond its buffers
    return table


def write_table(path: str | os.PathLike[str], table: Batches) -> None:
    """Write a table, batch by batch; ids become the index of a pandas data frame."""
    import pyarrow as pa

    table, options = table.indexed(), pa.ipc.IpcWriteOptions(compression="lz4")  # as pyarrow.feather has it
    with (
        atomic(path) as temporary,
        temporary.open("wb") as file,
        pa.ipc.new_file(file, table.schema, options=options) as writer,
    ):
        for batch in table.batches:
            writer.write_batch(batch)


def write(path: str | os.PathLike[str], blocks: Blocks) -> None:
    """Write blocks as a table; columns without names are called 0, 1, …"""
    write_table(path, of_blocks(blocks))


FORMAT = Format(
    ".feather",
    read,
    write,
    write_table,
    labels,
    shard=ArrowShard,
    endings_text=".feather, .arrow",
    matches=lambda name: name.endswith((".feather", ".arrow")),
)
