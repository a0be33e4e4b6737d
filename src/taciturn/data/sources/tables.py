"""Reader and writer of tables as they are: each column in its own type."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np

from ...core.errors import DataError, RecipeError
from ...core.messages import one_line
from . import csv, feather, parquet
from .batches import Batches, of_table
from .columns import Names
from .dialect import DialectOptions
from .files import clear_errors, format_of
from .format import Format, Selection
from .source import Source

if TYPE_CHECKING:
    import pyarrow

_TABLE_FORMATS = (csv, parquet, feather)
_BLOCK_ROWS = 4096
TABLES = {each.FORMAT.ending: each.read_table for each in _TABLE_FORMATS}


def has_booleans(
    path: str | os.PathLike[str], rows: Source, *, header: bool | None = None, **dialect: Unpack[DialectOptions]
) -> bool:
    """Return whether some columns of a table's file, which was read as numbers, are True and False.

    Parameters
    ----------
    path : str or path-like
        A file, or anything else, which has none.
    rows : Source
        The numbers.
    header, separator, decimal, thousands, quote, encoding
        As for `read_table`.
    """
    file = Path(os.fsdecode(path))
    is_table = file.is_file() and any(each.FORMAT.fits(file.name) for each in _TABLE_FORMATS)
    if rows.columns is None or not is_table:
        return False
    zero_or_one = np.ones(len(rows.columns), dtype=bool)
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = rows.read(start, start + _BLOCK_ROWS)
        zero_or_one &= ((block == 0) | (block == 1) | (block != block)).all(0)
        if not zero_or_one.any():
            return False
    names = [name for name, each in zip(rows.columns, zero_or_one, strict=True) if each]
    return any(str(kind) == "bool" for kind in read_table(path, columns=names, header=header, **dialect).schema.types)


def table_writer(path: str | os.PathLike[str]) -> Callable[[Path, Batches], None]:
    """Return what writes a table into a file with this ending; raise RecipeError where it is not that of a table."""
    formats: list[Format] = [each.FORMAT for each in _TABLE_FORMATS]
    write = next((each.write_table for each in formats if each.fits(Path(path).name)), None)
    if write is None:
        endings = ", ".join(each.endings_text or each.ending for each in formats)
        raise RecipeError(f"{one_line(path)}: a table cannot be written with this ending; known are {endings}")
    return write


def write_table(path: str | os.PathLike[str], table: "pyarrow.Table", ids: Sequence[Any] | None = None) -> None:
    """Write a table into a file that appears only when it is complete.

    Parameters
    ----------
    path : str or path-like
        A text table (also compressed), .parquet, .feather or .arrow file. An existing one is replaced.
    table : pyarrow.Table
        The table.
    ids : sequence, optional
        An id for each row; see `write_path`.

    Raises
    ------
    RecipeError
        The ending is another one.
    TaciturnError
        The file cannot be written.
    """
    table_writer(path)(Path(path), of_table(table, ids))


class LabelledTable(NamedTuple):
    """A table and the ids of its rows; None where it has none."""

    table: "pyarrow.Table"
    ids: list[Any] | None


def read_table(
    path: str | os.PathLike[str],
    *,
    columns: Names | None = None,
    drop: Names | None = None,
    header: bool | None = None,
    **dialect: Unpack[DialectOptions],
) -> "pyarrow.Table":
    """Return a table with each column in its own type.

    Parameters
    ----------
    path : str or path-like
        A text table, .parquet, .feather or .arrow file, as for `open_path`.
    columns, drop, header, separator, decimal, thousands, quote, encoding
        As for `open_path`.

    Returns
    -------
    pyarrow.Table
        Missing cells are nulls. Columns of a text table are int64, float64, bool, date32, timestamp or string, by all
        of their cells; null if all are missing. Codes with leading zeros, as 00123, are strings. Columns without names
        are called 0, 1, … Other files have their own types. Row labels are no column; `read_labelled_table`
        returns them.

    Raises
    ------
    RecipeError
        The file's format has no columns of different types, or an option is not possible.
    DataError
        The file cannot be read, or has no rows or columns.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "table.csv").write_text("width,kind,day\\n0.2,setosa,2024-05-01\\n,setosa,2024-05-02\\n")
    ...     table = read_table(f"{folder}/table.csv")
    >>> [str(dtype) for dtype in table.schema.types], table["width"].to_pylist()
    (['double', 'string', 'date32[day]'], [0.2, None])
    """
    return read_labelled_table(path, columns=columns, drop=drop, header=header, **dialect).table


def read_labelled_table(
    path: str | os.PathLike[str],
    *,
    columns: Names | None = None,
    drop: Names | None = None,
    header: bool | None = None,
    **dialect: Unpack[DialectOptions],
) -> LabelledTable:
    """Return a table with each column in its own type, and the ids of its rows; see `read_table` and `ids_of`."""
    path = Path(os.fsdecode(path))
    file_format = format_of(path)
    read = TABLES.get(file_format.ending)
    if read is None:
        raise RecipeError(f"{one_line(path)} is an array; give a table ({', '.join(TABLES)})")
    with clear_errors(path, file_format):
        table, ids = read(path, Selection(None, columns, drop, header, dialect))
    if not table.num_rows:
        raise DataError(f"{one_line(path)} has no rows; give a file that has some")
    return LabelledTable(table, ids)
