"""Lines of a text table, bounded in length, and their cells."""

import csv
from collections.abc import Iterator
from functools import cache
from typing import IO

from ...core.errors import DataError
from ...core.messages import one_line
from .dialect import Dialect
from .text_file import single_spaces

LINE_BYTES = 16 * 2**20  # of a line; also pyarrow's blocks, into which a line must fit
BOOLEANS = frozenset({"True", "False", "TRUE", "FALSE", "true", "false"})
_MAX_COLUMNS = 1_000_000


@cache
def missing_texts() -> frozenset[str]:
    """Return the cells that are a missing value: pyarrow's list."""
    import pyarrow.csv as arrow_csv

    return frozenset(arrow_csv.ConvertOptions().null_values)


def is_number(cell: str, dialect: Dialect) -> bool:
    """Return whether a cell is a number or missing, as pyarrow reads it."""
    return dialect.is_number(cell) or cell in missing_texts()


def numbered_cells(file: IO[str], dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each line; the number of its last line where a cell has several.

    Raises
    ------
    DataError
        A line is too long to be read.
    """
    lines = bounded_lines(file, dialect.separator)
    if dialect.separator == " ":
        lines = single_spaces(lines)
    reader = csv.reader(lines, delimiter=dialect.separator, quotechar=dialect.quote)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:  # a cell of more than 131,072 characters
            raise DataError(
                f"line {reader.line_num} cannot be read: {one_line(error)}; close its quotes or shorten the cell"
            ) from error
        if cells is None:
            return
        yield reader.line_num, cells


def bounded_lines(file: IO[str], separator: str) -> Iterator[str]:
    """Yield the lines of a file; raise DataError where one is too long, or has too many separators."""
    while line := file.readline(LINE_BYTES):
        if len(line) == LINE_BYTES:
            raise DataError(
                f"a line has more than {LINE_BYTES:,} characters; correct it, or save the table as .npy or .parquet"
            )
        if line.count(separator) >= _MAX_COLUMNS:
            raise DataError(f"a line has more than {_MAX_COLUMNS:,} cells; save the table as .npy or .parquet")
        yield line
