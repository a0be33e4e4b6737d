"""Reader of labels: a class or a number per row. Classes may be words."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from . import npz
from .columns import column_positions
from .files import format_of, open_path

if TYPE_CHECKING:
    import pyarrow as pa


def read_labels(text: str | os.PathLike[str], *, column: str | None = None) -> NDArray[Any]:
    """Return one label per row from a file.

    Parameters
    ----------
    text : str or path-like
        A table (.csv, .parquet) or an array, as for `open_path`.
    column : str, optional
        The column with the labels. It may be left out if the file has only one.

    Returns
    -------
    array of shape [N]
        Numbers (a missing one is NaN) if the column is numeric, else an object array of str (a missing one is None).

    Raises
    ------
    DataError
        The file cannot be read, or has several columns and none is named.
    UnknownColumn
        The column's name is unknown.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "table.csv").write_text("width,kind\\n0.2,setosa\\n0.4,setosa\\n")
    ...     read_labels(f"{folder}/table.csv", column="kind").tolist()
    ['setosa', 'setosa']
    """
    path = Path(text)
    if path.is_file() and (table := format_of(npz.split_key(os.fspath(text))[0]).table) is not None:
        return _table_column(path, table, column)
    source = open_path(text)
    rows = source.read(0, len(source))
    if column is None and rows.shape[1] != 1:
        raise DataError(f"{text} has {rows.shape[1]} columns; labels are one column: name one of them")
    position = 0 if column is None else column_positions(source.columns, rows.shape[1], column, None)[0]
    labels: NDArray[Any] = rows[:, position]
    return labels


def _table_column(path: Path, read: "Callable[[Path], pa.Table]", column: str | None) -> NDArray[Any]:
    import pyarrow as pa

    try:
        table = read(path)
    except pa.ArrowException as error:
        raise DataError(
            f"{path} cannot be read: {str(error).splitlines()[0]}; check that the file is complete"
        ) from error
    if column is None and table.num_columns != 1:
        raise DataError(f"{path} has {table.num_columns} columns; name one of them (column=, or {path}:COLUMN)")
    try:
        position = 0 if column is None else column_positions(table.column_names, table.num_columns, column, None)[0]
    except DataError as error:
        raise type(error)(f"{path}: {error}") from error
    values = table.column(position)
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_boolean(values.type):
        numbers: NDArray[Any] = values.to_numpy()
        return numbers
    return np.array([None if value is None else str(value) for value in values.to_pylist()], dtype=object)
