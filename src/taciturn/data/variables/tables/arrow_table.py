"""Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, types

from ..cells import Cells, Dtype, arrow_type, from_categories, python_list, refuse_type, supported, taken
from ..values import unpack

_DICTIONARY = "dictionary of "


class OwnTable:
    """An Arrow table, or a batch of one. It has no index."""

    def __init__(self, frame: pa.Table | pa.RecordBatch) -> None:
        self.frame = pa.Table.from_batches([frame]) if isinstance(frame, pa.RecordBatch) else frame
        self.labels: list[Any] = list(self.frame.column_names)
        self._positions = {label: position for position, label in enumerate(self.labels)}

    def __len__(self) -> int:
        return int(self.frame.num_rows)

    def is_numeric(self) -> bool:
        """Return whether the types of all columns are integers and floats."""
        return all(types.is_integer(kind) or types.is_floating(kind) for kind in self.frame.schema.types)

    def native(self, label: Any) -> pa.DataType:
        """Return the type of a column."""
        return self.column(label).type

    def column(self, label: Any) -> pa.ChunkedArray:
        """Return a column."""
        return self.frame.column(self._positions[label])

    def cells(self, label: Any) -> Cells:
        """Return a column as cells."""
        return cells_of(str(label), self.column(label))

    @staticmethod
    def parsed(dtype: Dtype) -> pa.DataType:
        """Return the type that was stored; raise ArtifactError if Arrow has no such type."""
        if dtype.categories is None:
            return dtype.arrow_type()
        return pa.dictionary(arrow_type(dtype.text.removeprefix(_DICTIONARY)), dtype.arrow_type(), dtype.ordered)

    @staticmethod
    def built(cells: Cells, native: pa.DataType | None) -> pa.Array:
        """Return cells as an array of a type; None: as they are."""
        if native is not None and types.is_dictionary(native) and cells.codes is not None:
            levels = cells.distinct if cells.dtype.categories is None else list(map(unpack, cells.dtype.categories))
            codes = cells.positions_in(levels)
            indices = pa.array(codes, mask=codes < 0).cast(native.index_type)
            return pa.DictionaryArray.from_arrays(indices, pa.array(levels, native.value_type), ordered=native.ordered)
        values = cells.values if cells.codes is None else taken(cells)
        return values if native is None else values.cast(native)

    def filled(self, label: Any, known: NDArray[np.bool_], built: pa.Array) -> pa.ChunkedArray:
        """Return a column with its missing cells taken from another; the other if its type is another."""
        column = self.column(label)
        if built.type != column.type:
            return built
        if types.is_dictionary(column.type):
            cells, predicted = cells_of(str(label), column), cells_of(str(label), built)
            codes = np.where(known, cells.coded()[0], predicted.positions_in(cells.distinct))
            return OwnTable.built(replace(cells, codes=codes), column.type)
        kind = supported(column.type)
        return compute.if_else(known, column.cast(kind), built.cast(kind)).cast(column.type)

    @staticmethod
    def joined(columns: Mapping[Any, Any], like: pa.Table | None) -> pa.Table:
        """Return columns as a table, with the metadata of the table `like`."""
        table = pa.table(list(columns.values()), names=[str(label) for label in columns])
        return table if like is None else table.replace_schema_metadata(like.schema.metadata)


def cells_of(name: str, values: pa.Array | pa.ChunkedArray) -> Cells:
    """Return an Arrow column as cells; raise DataError for a type without single values."""
    array = values.unify_dictionaries().combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    kind = array.type
    refuse_type(name, kind.value_type if types.is_dictionary(kind) else kind, str(kind))
    if types.is_dictionary(kind):
        levels = python_list(array.dictionary)
        text = f"{_DICTIONARY}{kind.index_type}"
        return from_categories(name, text, array.dictionary_decode(), levels, ordered=kind.ordered)
    return Cells(name, Dtype(text=str(kind), arrow=str(kind)), array)
