"""Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyarrow import types

from ....core.errors import DataError
from ....core.messages import one_line, quoted
from ..cells import Cells, Dtype, arrow_type, from_categories, python_list, taken


class OwnTable:
    """An Arrow table, or a batch of one. It has no index."""

    def __init__(self, frame: pa.Table | pa.RecordBatch) -> None:
        table = pa.Table.from_batches([frame]) if isinstance(frame, pa.RecordBatch) else frame
        self.frame = table.unify_dictionaries()
        self.labels: list[Any] = list(table.column_names)

    def __len__(self) -> int:
        return int(self.frame.num_rows)

    def native(self, label: Any) -> pa.DataType:
        """Return the type of a column."""
        return self.column(label).type

    def column(self, label: Any) -> pa.ChunkedArray:
        """Return a column."""
        return self.frame.column(self.labels.index(label))

    def cells(self, label: Any) -> Cells:
        """Return a column as cells."""
        values = self.column(label)
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
        kind = values.type
        inner = kind.value_type if types.is_dictionary(kind) else kind
        if types.is_nested(inner) or isinstance(inner, pa.BaseExtensionType) or types.is_run_end_encoded(inner):
            raise DataError(f"column {quoted(label)} has the type {one_line(kind)}, which has no kind; drop it")
        if types.is_dictionary(kind):
            text = f"dictionary of {kind.index_type}"
            levels = python_list(values.dictionary)
            return from_categories(label, text, values.dictionary_decode(), levels, ordered=kind.ordered)
        return Cells(label, Dtype(text=str(kind), arrow=str(kind)), values)

    @staticmethod
    def parsed(dtype: Dtype) -> pa.DataType:
        """Return the type that was stored; raise ArtifactError if Arrow has no such type."""
        if dtype.categories is None:
            return dtype.arrow_type()
        index = arrow_type(dtype.text.removeprefix("dictionary of "))
        return pa.dictionary(index, dtype.arrow_type(), dtype.ordered)

    @staticmethod
    def built(cells: Cells, native: pa.DataType | None) -> pa.Array:
        """Return cells as an array of a type; None: as they are."""
        if native is not None and types.is_dictionary(native) and cells.codes is not None:
            levels = pa.array(cells.distinct, native.value_type)
            indices = pa.array(cells.codes, mask=cells.codes < 0).cast(native.index_type)
            return pa.DictionaryArray.from_arrays(indices, levels, ordered=native.ordered)
        values = cells.values if cells.codes is None else taken(cells)
        return values if native is None else values.cast(native)

    @staticmethod
    def joined(columns: Mapping[Any, Any], like: pa.Table | None) -> pa.Table:
        """Return columns as a table, with the metadata of the table `like`."""
        table = pa.table(list(columns.values()), names=[str(label) for label in columns])
        return table if like is None else table.replace_schema_metadata(like.schema.metadata)
