"""What is wrong with a text table that cannot be read: the line, the cell and a mend."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...core.errors import DataError
from ...core.messages import quoted
from .columns import not_numeric
from .csv_head import Head
from .csv_lines import BOOLEANS, missing_texts, numbered_cells
from .text_file import open_text


@contextmanager
def located_errors(path: str | os.PathLike[str], head: Head, positions: Sequence[int]) -> Iterator[None]:
    """Raise errors of the block, which reads a text table, again with the line, which pyarrow's messages lack.

    Parameters
    ----------
    path : str or path-like
        The file.
    head : Head
        Of the same file.
    positions : sequence of int
        The columns that must be numeric.

    Raises
    ------
    DataError
        See `located_error`.
    """
    try:
        yield
    except DataError:
        raise
    except ValueError as error:  # pyarrow's errors are such
        raise located_error(path, head, positions) or error from error


def located_error(path: str | os.PathLike[str], head: Head, positions: Sequence[int]) -> DataError | None:
    """Return the error that names the line at fault, which pyarrow's message lacks.

    Parameters
    ----------
    path : str or path-like
        The file.
    head : Head
        Of the same file.
    positions : sequence of int
        The selected columns.

    Returns
    -------
    DataError or None
        None if no fault is found. Otherwise the first line with too few or too many cells, or each column that is not
        numeric with its first such cell.
    """
    reasons: dict[int, str] = {}
    texts: set[int] = set()  # columns with other words than True and False
    numbers: set[int] = set()  # columns with numbers
    with open_text(path, head.dialect) as file:
        for line, cells in numbered_cells(file, head.dialect):
            if line <= head.lines or not (cells or head.width == 1):
                continue
            if len(cells or [""]) != head.width:
                return DataError(_other_width(line, len(cells), head))
            for position in positions:
                cell = cells[position] if cells else ""
                if head.dialect.is_number(cell):
                    numbers.add(position)
                elif position not in texts and cell not in missing_texts():
                    reasons.setdefault(position, f"line {line}: {quoted(cell, 40)}")
                    if cell not in BOOLEANS:
                        texts.add(position)
    names = head.names or [str(position) for position in range(head.width)]
    columns = {names[position]: reasons[position] for position in sorted(reasons) if position in texts | numbers}
    return not_numeric(columns) if columns else None


def _other_width(line: int, width: int, head: Head) -> str:
    separator = "" if head.dialect.separator == "," else f" (separated by {head.dialect.separator!r})"
    return f"line {line} has {width} cells{separator}, the first {head.width}; correct the line"
