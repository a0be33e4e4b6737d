"""Lines of comma-separated text, bounded in length, and what the first of them is."""

import csv
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import IO

from ...core.errors import DataError, TaciturnWarning
from ...core.messages import one_line
from .header import judge

LINE_BYTES = 16 * 2**20  # of a line; also pyarrow's blocks, into which a line must fit
BOOLEANS = frozenset({"True", "False", "TRUE", "FALSE", "true", "false"})
_MAX_COLUMNS = 1_000_000
_SAMPLE_ROWS, _SAMPLE_COLUMNS = 1000, 200  # by which the first line is judged
_SAMPLE_CELLS = 200_000  # read for it


@dataclass(frozen=True)
class Head:
    """What the first line tells.

    Parameters
    ----------
    names : tuple of str or None
        The columns' names; None where they have none.
    width : int
        Number of cells.
    lines : int
        Lines before the first row.
    doubt : str, default=""
        A warning, if it is not plain whether the line is a header.
    """

    names: tuple[str, ...] | None
    width: int
    lines: int
    doubt: str = ""

    def warn(self) -> None:
        """Give the warning, if there is one; after reading, because an error explains more."""
        if self.doubt:
            warnings.warn(self.doubt, TaciturnWarning, stacklevel=4)


@cache
def missing_texts() -> frozenset[str]:
    """Return the cells that are a missing number: pyarrow's list."""
    import pyarrow.csv as arrow_csv

    return frozenset(arrow_csv.ConvertOptions().null_values)


def is_number(cell: str) -> bool:
    """Return whether a cell is a number or missing, as pyarrow reads it."""
    try:
        float(cell)
    except ValueError:
        return cell in missing_texts()
    return "_" not in cell and cell.isascii()  # Python reads 1_000 and digits of other scripts as numbers


def numbered_cells(file: IO[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each line; the number of its last line where a cell has several.

    Raises
    ------
    DataError
        A line is too long to be read.
    """
    reader = csv.reader(_bounded_lines(file))
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


def _bounded_lines(file: IO[str]) -> Iterator[str]:
    while line := file.readline(LINE_BYTES):
        if len(line) == LINE_BYTES:
            raise DataError(
                f"a line has more than {LINE_BYTES:,} characters; correct it, or save the table as .npy or .parquet"
            )
        if line.count(",") >= _MAX_COLUMNS:
            raise DataError(f"a line has more than {_MAX_COLUMNS:,} cells; save the table as .npy or .parquet")
        yield line


def read_head(path: str | os.PathLike[str], header: bool | None, requested: Iterable[str | int]) -> Head:
    """Return what the first line tells.

    Parameters
    ----------
    path : str or path-like
        The file.
    header : bool or None
        Whether the first line holds names. None: it does if `requested` are names in it; else the rows below it decide.
    requested : iterable of str or int
        Columns that are selected.

    Returns
    -------
    Head
        Without names if they are 0, 1, 2, …

    Raises
    ------
    DataError
        The file has no line, or the first one is not UTF-8 or too long.
    """
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = ((number, cells) for number, cells in numbered_cells(file) if cells)
        n_lines, first = next(lines, (0, []))
        if not first:
            raise DataError("the file is empty; give one with rows")
        if any("\ufffd" in cell for cell in first):
            raise DataError("the first line is not UTF-8 text; save the file as UTF-8")
        if header is None and _has_requested(first, requested):
            header = True
        header, doubt = (header, "") if header is not None else _judged(path, first, lines)
    counts = len(first) > 1 and first == [str(number) for number in range(len(first))]  # pandas's, without names
    return Head(None if counts or not header else tuple(first), len(first), n_lines if header else 0, doubt)


def _has_requested(first: list[str], requested: Iterable[str | int]) -> bool:
    names = {name.strip() for text in requested for name in str(text).split(",")}
    are_positions = all(name.isdecimal() and int(name) < len(first) for name in names)
    return not are_positions and names <= set(first)


def _judged(path: str | os.PathLike[str], first: list[str], lines: Iterator[tuple[int, list[str]]]) -> tuple[bool, str]:
    """Return whether the first line is a header, and a warning where that is not plain."""
    n_rows = min(_SAMPLE_ROWS, max(_SAMPLE_CELLS // len(first), 3))
    below: list[list[str]] = []
    with suppress(DataError):  # the reader of all rows raises it again
        below.extend(cells[:_SAMPLE_COLUMNS] for _, cells in islice(lines, n_rows))
    is_header, is_plain = judge(first[:_SAMPLE_COLUMNS], below, lambda cell: cell in BOOLEANS or is_number(cell))
    if is_plain:
        return is_header, ""
    cells = one_line(", ".join(first[:4]) + ", …" * (len(first) > 4), 80)
    kind, mend = ("names", "header=False (--no-header)") if is_header else ("a row", "header=True (--header)")
    name = one_line(Path(path).name)
    return is_header, f"{name}: the first line ({cells}) is read as {kind}; if that is wrong, give {mend}"
