"""Columns of an Arrow table, from Parquet and Feather files: which are features, and their numbers."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
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
        float32, or float64 if a column's type does not fit into float32. Nulls are NaN, booleans 0 and 1.

    Raises
    ------
    DataError
        A column is not numeric, or there are fewer rows.
    """
    import pyarrow as pa

    types = {field.name: str(field.type) for field in schema if _dtype(field.type) is None}
    if types:
        raise not_numeric(types)
    dtype = np.result_type(np.float32, *filter(None, (_dtype(field.type) for field in schema)))
    rows = empty_rows((n_rows, len(schema)), dtype)
    start = 0
    for batch in batches:
        stop = start + batch.num_rows
        for column in range(len(schema)):
            rows[start:stop, column] = _column(batch.column(column), dtype)
        start = stop
    if start != n_rows:
        raise DataError(f"{start:,} rows where the footer declares {n_rows:,}; the file is damaged: copy it again")
    integers = [position for position, kind in enumerate(schema.types) if pa.types.is_integer(kind)]
    return Rows(rows, columns=tuple(schema.names), ids=ids, integers=integers)


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
