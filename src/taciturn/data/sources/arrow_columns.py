"""Columns of an Arrow table, from Parquet and Feather files: which are features, and their numbers."""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ...core.messages import quoted
from .columns import Names, column_positions, label_position, not_numeric
from .memory import empty_rows
from .source import Array, Rows

if TYPE_CHECKING:
    import pyarrow

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.


def index_positions(schema: "pyarrow.Schema") -> tuple[int, ...]:
    """Return the positions of the columns that hold the index of a pandas data frame: labels of rows.

    Examples
    --------
    >>> import pandas as pd, pyarrow as pa
    >>> frame = pd.DataFrame({"width": [1.0, 2.0]}, index=pd.Index(["a", "b"], name="flower"))
    >>> index_positions(pa.Schema.from_pandas(frame))
    (1,)
    """
    try:
        stored = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))["index_columns"]
    except (ValueError, KeyError, TypeError):  # no metadata, or damaged
        stored = []
    names = {name for name in stored if isinstance(name, str)}  # a dict describes an index 0, 1, 2, …
    return tuple(
        position for position, name in enumerate(schema.names) if name in names or name.startswith("__index_level_")
    )


def selected(schema: "pyarrow.Schema", columns: Names | None, drop: Names | None) -> list[int]:
    """Return the positions of the selected columns, without the index; see `column_positions`."""
    return column_positions(schema.names, len(schema), columns, drop, index_positions(schema))


class NumberColumns:
    """How the columns of Arrow tables become rows of numbers: lists of equal length are several numbers of a row.

    Parameters
    ----------
    fields : iterable of pyarrow.Field
        The selected columns.
    first : pyarrow.RecordBatch or None
        Some rows, whose first one tells how long lists are, where their type does not.

    Attributes
    ----------
    dtype : dtype
        Of the numbers: float32, or float64 if a column's type does not fit into float32; where one column of lists is
        all there is, its own type.
    shape : tuple of int
        A row's shape: (n_columns,), or that of the only list.
    shapes : list of tuple of int
        That of each column's lists; () for a column without lists.
    columns : tuple of str or None
        The names; a list's numbers are "name[0]", "name[1]", …; None where one column of lists is all there is.

    Raises
    ------
    DataError
        A column is not numeric.
    """

    def __init__(self, fields: "Iterable[pyarrow.Field]", first: "pyarrow.RecordBatch | None") -> None:
        fields = list(fields)
        by_name = {field.name: _dtype(_value_type(field.type)) for field in fields}
        dtypes = [dtype for dtype in by_name.values() if dtype is not None]
        if len(dtypes) < len(fields):
            raise not_numeric({field.name: str(field.type) for field in fields if by_name[field.name] is None})
        columns = [None] * len(fields) if first is None else first.columns
        self.shapes = [_list_shape(field.type, values) for field, values in zip(fields, columns, strict=True)]
        if len(self.shapes) == 1 and self.shapes[0]:
            self.dtype, self.shape, self.columns = dtypes[0], self.shapes[0], None
            return
        self.dtype = np.result_type(np.float32, *dtypes)
        names = [
            [field.name] if not shape else [f"{field.name}[{i}]" for i in range(prod(shape))]
            for field, shape in zip(fields, self.shapes, strict=True)
        ]
        self.columns = tuple(name for each in names for name in each)
        self.shape = (len(self.columns),)

    def fill(self, batch: "pyarrow.RecordBatch", rows: Array) -> None:
        """Write the rows of a batch into an array [rows, n_columns]; nulls are NaN, booleans 0 and 1."""
        start = 0
        for name, values, shape in zip(batch.schema.names, batch.columns, self.shapes, strict=True):
            stop = start + prod(shape)
            numbers = _flattened(values, shape, name)
            if numbers.null_count and self.dtype.kind != "f":
                raise DataError(f"column {quoted(name)} has nulls among {self.dtype} numbers; store them as floats")
            rows[:, start:stop] = _column(numbers, self.dtype).reshape(len(rows), stop - start)
            start = stop


def numbers(
    schema: "pyarrow.Schema", batches: "Iterable[pyarrow.RecordBatch]", n_rows: int, ids: list[Any] | None
) -> Rows:
    """Return record batches as rows of numbers.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the batches.
    batches : iterable of pyarrow.RecordBatch
    n_rows : int
        Rows of all batches, as the file declares them.
    ids : list or None
        The rows' ids.

    Returns
    -------
    Rows
        Of the type, shape and columns of `NumberColumns`. Nulls are NaN, booleans 0 and 1.

    Raises
    ------
    DataError
        A column is not numeric, lists differ in length, or there are fewer rows.
    """
    import pyarrow as pa

    rest = iter(batches)
    first = next((batch for batch in rest if batch.num_rows), None)
    layout = NumberColumns(schema, first)
    rows = empty_rows((n_rows, prod(layout.shape)), layout.dtype)
    start = 0
    for batch in chain([] if first is None else [first], rest):
        stop = start + batch.num_rows
        if stop <= n_rows:
            layout.fill(batch, rows[start:stop])
        start = stop
    if start != n_rows:
        raise DataError(f"{start:,} rows where the footer declares {n_rows:,}; the file is damaged: copy it again")
    integers: list[int] = []
    if layout.columns is not None:
        integers = [position for position, kind in enumerate(schema.types) if pa.types.is_integer(kind)]
    return Rows(rows.reshape(n_rows, *layout.shape), columns=layout.columns, ids=ids, integers=integers)


def _column(values: "pyarrow.Array", dtype: np.dtype[np.generic]) -> Array:
    import pyarrow as pa

    if pa.types.is_decimal(values.type):
        values = values.cast(pa.string())  # the direct cast is off by the last bit
    # Unsafe cast: whole numbers above 2⁵³ lose their last digits, as everywhere in NumPy.
    column: Array = values.cast(pa.from_numpy_dtype(dtype), safe=False).to_numpy(zero_copy_only=False)
    return column


def _dtype(arrow_type: "pyarrow.DataType") -> np.dtype[np.generic] | None:
    """Return the NumPy type for a column's numbers; None if the column is not numeric."""
    from pyarrow import types

    if types.is_boolean(arrow_type) or types.is_null(arrow_type):
        return np.dtype(np.uint8)
    if types.is_integer(arrow_type) or types.is_floating(arrow_type):
        dtype: np.dtype[np.generic] = np.dtype(arrow_type.to_pandas_dtype())
        return dtype
    return np.dtype(np.float64) if types.is_decimal(arrow_type) else None


def _is_list(arrow_type: "pyarrow.DataType") -> bool:
    from pyarrow import types

    return bool(types.is_fixed_size_list(arrow_type) or types.is_list(arrow_type) or types.is_large_list(arrow_type))


def _value_type(arrow_type: "pyarrow.DataType") -> "pyarrow.DataType":
    """Return the type of the values in lists, and in lists of lists; that of a column without lists."""
    arrow_type = getattr(arrow_type, "storage_type", arrow_type)
    return _value_type(arrow_type.value_type) if _is_list(arrow_type) else arrow_type


def _list_shape(arrow_type: "pyarrow.DataType", values: "pyarrow.Array | None") -> tuple[int, ...]:
    """Return the shape of each row's list; () for a column without lists."""
    from pyarrow import types

    if hasattr(arrow_type, "storage_type"):
        return _list_shape(arrow_type.storage_type, values and values.storage)
    if not _is_list(arrow_type):
        return ()
    inner = None if values is None else values[:1].flatten()
    if types.is_fixed_size_list(arrow_type):
        return arrow_type.list_size, *_list_shape(arrow_type.value_type, inner)
    return 0 if inner is None else len(inner), *_list_shape(arrow_type.value_type, inner)


def _flattened(values: "pyarrow.Array", shape: tuple[int, ...], name: str) -> "pyarrow.Array":
    """Return the values in the lists of a column one after the other; all lists must have this shape."""
    import pyarrow.compute as pc

    values = getattr(values, "storage", values)
    if not shape:
        return values
    lengths = pc.unique(pc.list_value_length(values)).to_pylist()
    if different := [length for length in lengths if length != shape[0]]:
        found = "no list" if different[0] is None else f"{different[0]:,} numbers"
        raise DataError(f"column {quoted(name)} has a row with {found} where others have {shape[0]:,}; drop such rows")
    return _flattened(values.flatten(), shape[1:], name)


def column_of(schema: "pyarrow.Schema", column: str | None) -> str:
    """Return the name of the column with labels; see `label_position`."""
    name: str = schema.names[label_position(schema.names, len(schema), column, index_positions(schema))]
    return name


def labels(values: "pyarrow.ChunkedArray") -> NDArray[Any]:
    """Return a column as labels: numbers and booleans as they are, other values as str and None."""
    from pyarrow import types

    if types.is_integer(values.type) or types.is_floating(values.type) or types.is_boolean(values.type):
        numbers: NDArray[Any] = values.to_numpy()
        return numbers
    return np.array([None if value is None else str(value) for value in values.to_pylist()], dtype=object)


def ids(columns: "Sequence[pyarrow.ChunkedArray]") -> list[Any] | None:
    """Return the ids in index columns, joined by commas if there are several; None if they only count the rows."""
    if not columns:
        return None
    values: list[Any] = labels(columns[0]).tolist()
    if len(columns) > 1:
        values = [", ".join(map(str, row)) for row in zip(*(labels(column) for column in columns), strict=True)]
    return None if values == list(range(len(values))) else values
