"""A class or a number a row, from a file: words are allowed."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from .columns import kept
from .files import open_path


def read_labels(text: str | os.PathLike[str], *, column: str | None = None) -> NDArray[Any]:
    """Return one column of a table, or an array of one number a row, as numbers where all are, else as words.

    `column` names it; without a name the file must have one column only. What is missing is NaN or None.

    Raises DataError where the file cannot be read or has several columns, UnknownColumn for an unknown name.
    """
    path = Path(text)
    if path.suffix.lower() in (".csv", ".parquet") and path.is_file():
        return _column(path, column)
    source = open_path(text)
    values = source.read(0, len(source))
    if column is None and values.shape[1] != 1:
        raise DataError(f"{text} has {values.shape[1]} columns; labels are one number or word a row")
    found: NDArray[Any] = values[:, 0 if column is None else kept(source.columns, values.shape[1], column, None)[0]]
    return found


def _column(path: Path, column: str | None) -> NDArray[Any]:
    """Return a table's column."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv
    import pyarrow.parquet as pq

    try:
        if path.suffix.lower() == ".csv":
            convert = arrow_csv.ConvertOptions(strings_can_be_null=True)
            table = arrow_csv.read_csv(
                path, convert_options=convert, parse_options=arrow_csv.ParseOptions(newlines_in_values=True)
            )
        else:
            table = pq.read_table(path)
    except pa.ArrowException as error:
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    if column is None and table.num_columns != 1:
        raise DataError(f"{path} has {table.num_columns} columns; name one of them (--target COLUMN)")
    try:
        at = 0 if column is None else kept(table.column_names, table.num_columns, column, None)[0]
    except DataError as error:
        raise type(error)(f"{path}: {error}") from error
    values = table.column(at)
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_boolean(values.type):
        numbers: NDArray[Any] = values.to_numpy()
        return numbers
    return np.array([None if value is None else str(value) for value in values.to_pylist()], dtype=object)
