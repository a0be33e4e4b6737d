"""Shards that are tables: Parquet, read by row groups, and Arrow's files and streams, read by record batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ...core.errors import DataError
from .arrow_columns import NumberColumns, selected
from .format import Selection
from .raw_shard import ShardFile
from .source import Array

if TYPE_CHECKING:
    import pyarrow

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.

STREAM_MARK = b"\xff\xff\xff\xff"  # with which a stream begins
_BATCH_ROWS = 8192  # of a row group that are decoded at a time


class TableShard(ABC):
    """The rows of a table's selected columns, in blocks that are decoded from their first row on.

    Parameters
    ----------
    file : ShardFile
    selection : Selection
        The columns; the others may hold any type.

    Raises
    ------
    DataError
        A selected column is not numeric.
    """

    def __init__(self, file: ShardFile, selection: Selection) -> None:
        self.name, self._file = file.name, file
        schema, sizes = self._describe()
        self._positions = selected(schema, selection.columns, selection.drop)
        self._names = [schema.names[position] for position in self._positions]
        self._parts = np.flatnonzero(sizes)  # row groups or batches; empty ones are left out
        self.blocks = np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64)[self._parts])])
        first = next(self._batches(int(self._parts[0]))) if len(self._parts) else None
        self._layout = NumberColumns([schema.field(position) for position in self._positions], first)
        self.dtype, self.columns = self._layout.dtype, self._layout.columns
        self.shape = (int(self.blocks[-1]), *self._layout.shape)
        self._lock, self._cursor = Lock(), _Cursor(-1, iter(()))

    @abstractmethod
    def _describe(self) -> tuple[pyarrow.Schema, list[int]]:
        """Return the schema of all columns, and the number of rows of each row group or batch."""

    @abstractmethod
    def _batches(self, part: int) -> Iterator[pyarrow.RecordBatch]:
        """Yield a row group, or a batch, as one or more batches of the selected columns."""

    @property
    def identity(self) -> str | None:
        """What tells these rows from others; see `identity_of`."""
        state = self._file.state
        return None if state is None else f"{state} {self._names} {self.dtype.str} {self.shape}"

    def read_into(self, start: int, rows: Array) -> None:
        """Read the rows from `start` on into an array [rows, n_columns]."""
        while len(rows):
            block = int(np.searchsorted(self.blocks, start, side="right")) - 1
            first, last = self.blocks[block : block + 2].tolist()
            n_rows, offset, part = min(last - start, len(rows)), start - first, int(self._parts[block])
            if n_rows == last - first:
                _Cursor(part, self._batches(part)).read(0, rows[:n_rows], self._layout)
            else:  # mostly in ascending order: what was decoded last is near
                with self._lock:
                    if self._cursor.part != part or self._cursor.start > offset:
                        self._cursor = _Cursor(part, self._batches(part))
                    self._cursor.read(offset, rows[:n_rows], self._layout)
            start, rows = start + n_rows, rows[n_rows:]


class _Cursor:
    """A place in a row group, from which reading goes on."""

    def __init__(self, part: int, batches: Iterator[pyarrow.RecordBatch]) -> None:
        self.part, self.start, self._batches = part, 0, batches
        self._batch: pyarrow.RecordBatch | None = None  # its first row is number `start` of the row group

    def read(self, offset: int, rows: Array, layout: NumberColumns) -> None:
        """Read rows from `offset` on, which must not lie before `start`."""
        while len(rows):
            while self._batch is None or offset >= self.start + self._batch.num_rows:
                self.start += 0 if self._batch is None else self._batch.num_rows
                self._batch = next(self._batches, None)
                if self._batch is None:
                    raise DataError("it has fewer rows than it declares; the file is damaged: copy it again")
            batch = self._batch.slice(offset - self.start, len(rows))
            layout.fill(batch, rows[: batch.num_rows])
            offset, rows = offset + batch.num_rows, rows[batch.num_rows :]


class ParquetShard(TableShard):
    """A Parquet file; a row group is read as a whole, and decoded in parts."""

    def _describe(self) -> tuple[pyarrow.Schema, list[int]]:
        import pyarrow.parquet as pq

        with self._file.arrow() as content, pq.ParquetFile(content) as file:
            metadata = file.metadata
            return file.schema_arrow, [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]

    def _batches(self, part: int) -> Iterator[pyarrow.RecordBatch]:
        import pyarrow.parquet as pq

        with self._file.arrow() as content, pq.ParquetFile(content) as file:
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=[part], columns=self._names):
                yield batch.select(self._names)


class ArrowShard(TableShard):
    """An Arrow file (Feather, version 2) or an Arrow stream, such as Hugging Face's datasets are on the disk."""

    def _describe(self) -> tuple[pyarrow.Schema, list[int]]:
        import pyarrow as pa

        with self._file.arrow(mapped=True) as content:
            self._is_stream = content.read(len(STREAM_MARK)) == STREAM_MARK
            content.seek(0)
            if not self._is_stream:
                file = pa.ipc.open_file(content)
                return file.schema, [file.get_batch(i).num_rows for i in range(file.num_record_batches)]
            stream = pa.ipc.open_stream(content)
            self._schema, self._offsets, sizes = stream.schema, [content.tell()], list[int]()
            while (batch := next(stream, None)) is not None:
                sizes.append(batch.num_rows)
                self._offsets.append(content.tell())
            return stream.schema, sizes

    def _batches(self, part: int) -> Iterator[pyarrow.RecordBatch]:
        import pyarrow as pa

        with self._file.arrow() as content:
            if self._is_stream:
                content.seek(self._offsets[part])
                yield pa.ipc.read_record_batch(pa.ipc.read_message(content), self._schema).select(self._names)
            else:
                options = pa.ipc.IpcReadOptions(included_fields=sorted(self._positions))
                yield pa.ipc.open_file(content, options=options).get_batch(part).select(self._names)
