"""Batches of rows as engines hand them over (dict, Arrow, pandas, Polars): their columns as Arrow, and results back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, DataTypeError
from ..core.messages import one_line, quoted
from ..data.sources.columns import unknown_column
from ..data.variables import library_of

if TYPE_CHECKING:
    import pyarrow


class Batch:
    """The columns of one batch.

    Parameters
    ----------
    batch : dict, Arrow table or record batch, frame of pandas or Polars
        Columns of equal length. Those of a dict are arrays: [B], or [B, ...] for a vector or an image in each row.

    Attributes
    ----------
    names : list of str
        Of all columns.

    Raises
    ------
    DataTypeError
        It is none of these.
    """

    def __init__(self, batch: Any) -> None:
        self.batch = batch
        self.library = "dict" if isinstance(batch, Mapping) else library_of(batch)
        if self.library is None:
            kind = type(batch).__name__
            raise DataTypeError(f"the batch is a {kind}; give an array, a dict of arrays, an Arrow table or a frame")
        labels = batch.schema.names if self.library == "arrow" else batch.keys() if self.library == "dict" else None
        self._labels = {str(label): label for label in (batch.columns if labels is None else labels)}
        self.names = list(self._labels)

    def __len__(self) -> int:
        if self.library == "dict":
            return len(next(iter(self.batch.values()), ()))
        return int(self.batch.num_rows if self.library == "arrow" else len(self.batch))

    def check(self, names: Sequence[str]) -> None:
        """Raise UnknownColumn for a name that no column has."""
        for name in names:
            if name not in self._labels:
                raise unknown_column(name, self.names, named=True)

    def arrow(self, names: Sequence[str]) -> pyarrow.Table:
        """Return some columns as an Arrow table; raise DataError where that is impossible."""
        import pyarrow as pa

        columns = []
        for name in names:
            try:
                columns.append(self._arrow(self._column(name)))
            except (pa.ArrowException, TypeError, ValueError) as error:
                raise DataError(f"column {quoted(name)}: {one_line(error)}; give values of one type") from error
        return pa.table(columns, names=list(names))

    def first(self, name: str) -> Any:
        """Return the first value of a column, for messages."""
        column = self._column(name)
        return one_line(self._arrow(column[:1])[0].as_py()) if len(self) else "none"

    def result(self, keep: Sequence[str], new: pyarrow.Table) -> Any:
        """Return a batch of the same kind: columns that are kept as they are, and new ones."""
        import pyarrow as pa

        if self.library == "dict":
            return {name: self._column(name) for name in keep} | {
                name: _as_numpy(new.column(name)) for name in new.column_names
            }
        if self.library == "arrow":
            columns = [*(self._column(name) for name in keep), *(_whole(column) for column in new.columns)]
            schema = pa.schema([*(self.batch.schema.field(name) for name in keep), *new.schema], new.schema.metadata)
            return type(self.batch).from_arrays(columns, schema=schema)
        if self.library == "polars":
            import polars

            return self.batch.select([self._labels[name] for name in keep]).hstack(polars.from_arrow(new))
        import pandas

        kept = self.batch[[self._labels[name] for name in keep]]
        values = {name: _as_numpy(new.column(name)) for name in new.column_names}
        cells = {name: list(each) if each.ndim > 1 else each for name, each in values.items()}
        return pandas.concat([kept, pandas.DataFrame(cells, index=self.batch.index)], axis=1)

    def _column(self, name: str) -> Any:
        return self.batch.column(name) if self.library == "arrow" else self.batch[self._labels[name]]

    def _arrow(self, column: Any) -> Any:
        import pyarrow as pa

        if self.library == "pandas":
            return pa.Array.from_pandas(column)
        if self.library == "polars":
            return column.to_arrow()
        if self.library == "arrow":
            return column
        array = np.asarray(column)
        if array.dtype.kind not in "biuf":
            return pa.array(array.tolist(), from_pandas=True)
        return lists(array)


def lists(rows: NDArray[Any]) -> pyarrow.Array:
    """Return rows [B, ...] as a column: of lists of fixed size, unless a row is one number.

    Examples
    --------
    >>> lists(np.eye(2)).type
    FixedSizeListType(fixed_size_list<item: double>[2])
    """
    import pyarrow as pa

    column = pa.array(np.ascontiguousarray(rows).reshape(-1))
    for size in rows.shape[:0:-1]:
        column = pa.FixedSizeListArray.from_arrays(column, size)
    return column


def _whole(column: pyarrow.ChunkedArray) -> pyarrow.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _as_numpy(column: pyarrow.ChunkedArray) -> NDArray[Any]:
    """Return a column as an array: [B], [B, D] for lists of fixed size, an array of arrays for other lists."""
    import pyarrow as pa

    values = _whole(column)
    shape = [len(values)]
    while pa.types.is_fixed_size_list(values.type):
        shape.append(values.type.list_size)
        values = values.flatten()
    if len(shape) > 1:
        return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(shape)
    if pa.types.is_list(values.type):
        bounds = values.offsets.to_numpy()
        numbers, start = values.flatten().to_numpy(), bounds[:1].sum()
        parts = np.empty(len(values), dtype=object)
        for row in range(len(values)):
            parts[row] = numbers[bounds[row] - start : bounds[row + 1] - start]
        return parts
    return np.asarray(values.to_numpy(zero_copy_only=False))
