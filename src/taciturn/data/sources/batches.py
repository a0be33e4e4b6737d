"""Tables on their way into a file: record batches of Arrow and the ids of their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import Blocks

if TYPE_CHECKING:
    import pyarrow

INDEX = "__index_level_0__"  # pandas's name of an index without one


@dataclass(frozen=True)
class Batches:
    """A table, a batch of rows at a time.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of each batch.
    batches : iterable of pyarrow.RecordBatch
        Read once.
    ids : sequence or None, default=None
        An id for each row of all batches.
    """

    schema: pyarrow.Schema
    batches: Iterable[pyarrow.RecordBatch]
    ids: Sequence[Any] | None = None

    def labelled(self) -> Batches:
        """Return the table with its ids as a first column without a name, as text tables have them."""
        return self if self.ids is None else self._with_ids("", 0, None)

    def indexed(self) -> Batches:
        """Return the table with its ids as a last column, the index of a pandas data frame."""
        if self.ids is None:
            return self
        names = [*((name, name) for name in self.schema.names), (None, INDEX)]
        columns = [
            {"name": name, "field_name": field, "pandas_type": "object", "numpy_type": "object", "metadata": None}
            for name, field in names
        ]
        described = {"index_columns": [INDEX], "column_indexes": [], "columns": columns}
        return self._with_ids(INDEX, len(self.schema), {"pandas": json.dumps(described)})

    def _with_ids(self, name: str, position: int, metadata: dict[str, str] | None) -> Batches:
        import pyarrow as pa

        assert self.ids is not None
        numbers = all(isinstance(each, int | float) for each in self.ids)
        ids = pa.array(self.ids if numbers else [None if each is None else str(each) for each in self.ids])
        schema = self.schema.insert(position, pa.field(name, ids.type))
        schema = schema if metadata is None else schema.with_metadata(metadata)

        def batches() -> Iterator[pyarrow.RecordBatch]:
            start = 0
            for batch in self.batches:
                columns = batch.columns
                columns.insert(position, ids.slice(start, batch.num_rows))
                start += batch.num_rows
                yield pa.record_batch(columns, schema=schema)

        return Batches(schema, batches())


def of_table(table: pyarrow.Table, ids: Sequence[Any] | None) -> Batches:
    """Return an Arrow table as batches."""
    return Batches(table.schema, table.to_batches(), ids)


def of_blocks(blocks: Blocks) -> Batches:
    """Return blocks of numbers as batches; columns without names are called 0, 1, …"""
    import pyarrow as pa

    number = pa.from_numpy_dtype(blocks.dtype)
    kinds = [pa.int64() if position in blocks.integers else number for position in range(len(blocks.names))]
    schema = pa.schema([*zip(blocks.names, kinds, strict=True)])

    def batches() -> Iterator[pyarrow.RecordBatch]:
        for block in blocks:
            columns = zip(block.T, kinds, strict=True)
            yield pa.record_batch([_column(column, kind) for column, kind in columns], schema=schema)

    return Batches(schema, batches(), blocks.ids)


def _column(numbers: np.ndarray[Any, Any], kind: pyarrow.DataType) -> pyarrow.Array:
    """Return numbers in a type; those of integers are rounded, and NaN is null."""
    import pyarrow as pa

    if not (pa.types.is_integer(kind) and numbers.dtype.kind == "f"):
        return pa.array(numbers, kind)
    missing = np.isnan(numbers)
    bounded = np.clip(np.rint(np.where(missing, 0, numbers).astype(np.float64)), -(2.0**63), 2.0**63 - 1024)
    return pa.array(bounded.astype(np.int64), kind, mask=missing)
