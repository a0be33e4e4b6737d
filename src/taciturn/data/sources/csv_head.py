"""What the first lines of a text table tell: its dialect, its columns' names, and whether it has row labels."""

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ...core.errors import DataError, DialectFound, TaciturnWarning
from ...core.messages import one_line
from .csv_lines import BOOLEANS, bounded_lines, is_number, missing_texts, numbered_cells
from .dialect import Dialect, DialectOptions
from .find_dialect import find_dialect, has_header_of, usual_separator
from .header import judge
from .text_file import find_encoding, open_text

_SAMPLE_ROWS, _SAMPLE_COLUMNS = 1000, 200  # by which the first line is judged
_SAMPLE_CELLS = 200_000  # read for it
_EXCEL_SEPARATOR = re.compile(r'"?sep=([^\w\s"]|\t)"?[\r\n]*', re.IGNORECASE)  # a first line, for Excel alone
_DIALECT_LINES, _DIALECT_CHARS, _MIN_LINES = 100, 1 << 20, 3  # by which the dialect is judged


@dataclass(frozen=True)
class Head:
    """What the first lines tell.

    Parameters
    ----------
    names : tuple of str or None
        The columns' names; None where they have none.
    width : int
        Number of cells.
    lines : int
        Lines before the first row.
    dialect : Dialect, default=Dialect()
        How the file is written.
    options : DialectOptions, default={}
        What of it was given; the rest was found.
    has_labels : bool, default=False
        Whether the first column has no name, and holds labels of the rows.
    fractions : frozenset of int, default=frozenset()
        Columns of numbers with fractions, by the first rows.
    doubt, dialect_doubt : str, default=""
        Warnings, if it is not plain whether the first line is a header, or what the dialect is.
    """

    names: tuple[str, ...] | None
    width: int
    lines: int
    dialect: Dialect = Dialect()
    options: DialectOptions = field(default_factory=DialectOptions)
    has_labels: bool = False
    fractions: frozenset[int] = frozenset()
    doubt: str = ""
    dialect_doubt: str = ""

    @property
    def labels(self) -> tuple[int, ...]:
        """The position of the column with the labels of rows, if there is one."""
        return (0,) if self.has_labels else ()

    def warn(self, path: str | os.PathLike[str], dialect: Dialect, doubt: str = "") -> None:
        """Give the warnings, after reading, because an error explains more; first what was found.

        Parameters
        ----------
        path : str or path-like
            The file.
        dialect : Dialect
            What it was read with: all of its numbers tell more than those of the first lines.
        doubt : str, default=""
            A warning of the reading.
        """
        name = one_line(Path(path).name)
        usual = Dialect(separator=usual_separator(Path(path)))
        names = [each for each in DialectOptions.__annotations__ if self.options.get(each) is None]
        names = names if self.width > 1 else names[1:]  # one column has no separator
        found = dialect.differences(names, usual)
        if self.has_labels:
            found.append("the first column has no name: it holds labels of the rows (name it to use it as a column)")
        if found:
            warnings.warn(f"{name}: {', '.join(found)}", DialectFound, stacklevel=4)
        for text in (self.dialect_doubt if dialect == self.dialect else "", doubt, self.doubt):
            if text:
                warnings.warn(f"{name}: {text}", TaciturnWarning, stacklevel=4)


def read_head(
    path: str | os.PathLike[str],
    header: bool | None,
    requested: Iterable[str | int],
    options: DialectOptions | None = None,
    *,
    texts: bool = False,
) -> Head:
    """Return what the first lines tell.

    Parameters
    ----------
    path : str or path-like
        The file.
    header : bool or None
        Whether the first line holds names. None: it does if `requested` are names in it; else the rows below it decide.
    requested : iterable of str or int
        Columns that are selected.
    options : DialectOptions, optional
        What is known of the dialect.
    texts : bool, default=False
        Whether texts will be read: then the encoding is found by all bytes, and not only by the first.

    Returns
    -------
    Head
        Without names if they are 0, 1, 2, …

    Raises
    ------
    DataError
        The file has no line, or the first one is not text of the encoding or too long.
    RecipeError
        An option is not possible.
    """
    options = options or {}
    encoding = options.get("encoding") or find_encoding(path, whole=texts)
    lines = _first_lines(path, Dialect.of(options, encoding=encoding))
    named = _EXCEL_SEPARATOR.fullmatch(lines[0]) if lines else None
    n_above = 0 if named is None else 1
    known: DialectOptions = options if named is None else {"separator": named[1], **_given(options)}
    found = find_dialect(lines[n_above:], known, encoding, Path(path), missing_texts())
    dialect = found.dialect
    with open_text(path, dialect) as file:
        rows = ((number, cells) for number, cells in numbered_cells(file, dialect) if cells and number > n_above)
        n_lines, first = next(rows, (0, []))
        if not first:
            raise DataError("the file is empty; give one with rows")
        if any("\ufffd" in cell for cell in first):
            raise DataError(f"the first line is not {dialect.encoding.upper()} text; give its encoding (--encoding)")
        below = _below(first, rows)
    if _has_short_header(first, below, dialect) and header is not False:
        first = ["", *first]
    if header is None and _has_requested(first, requested):
        header = True
    header, doubt = (header, "") if header is not None else _judged(first, below, dialect)
    counts = len(first) > 1 and first == [str(number) for number in range(len(first))]  # pandas's, without names
    return Head(
        names=None if counts or not header else tuple(first),
        width=len(first),
        lines=n_lines if header else n_above,
        dialect=dialect,
        options=options,
        has_labels=header and len(first) > 1 and not first[0].strip() and all(first[1:]),
        fractions=frozenset(_fractions(below, dialect)),
        doubt=doubt,
        dialect_doubt=found.doubt,
    )


def _given(options: DialectOptions) -> DialectOptions:
    """Return the options that are given."""
    given: Any = {name: value for name, value in options.items() if value is not None}
    return given  # type: ignore[no-any-return]


def _first_lines(path: str | os.PathLike[str], dialect: Dialect) -> list[str]:
    """Return the lines by which the dialect is judged; of a wide table few."""
    lines: list[str] = []
    n_chars = 0
    with open_text(path, dialect) as file, suppress(DataError):  # numbered_cells raises it again
        for line in bounded_lines(file, dialect.separator):
            lines.append(line)
            n_chars += len(line)
            if len(lines) >= _DIALECT_LINES or (n_chars > _DIALECT_CHARS and len(lines) >= _MIN_LINES):
                break
    return lines


def _below(first: list[str], rows: Iterator[tuple[int, list[str]]]) -> list[list[str]]:
    """Return cells of the rows below the first line, some of them."""
    n_rows = min(_SAMPLE_ROWS, max(_SAMPLE_CELLS // len(first), 3))
    below: list[list[str]] = []
    with suppress(DataError):  # the reader of all rows raises it again
        below.extend(cells for _, cells in islice(rows, n_rows))
    return below


def _has_short_header(first: list[str], below: list[list[str]], dialect: Dialect) -> bool:
    """Return whether the first line lacks the name of a first column, which holds a different text in each row."""
    width = len(first) + 1
    if not below or any(len(cells) != width for cells in below) or not has_header_of(first, width, dialect):
        return False
    labels = {cells[0] for cells in below}
    # Separators at the ends of lines make an empty last column, and not a first one of labels.
    return len(labels) == len(below) and any(cells[-1] not in missing_texts() for cells in below)


def _fractions(rows: list[list[str]], dialect: Dialect) -> Iterator[int]:
    """Yield the positions of columns of numbers, of which one has a decimal point."""
    for position, column in enumerate(zip(*rows[:_DIALECT_LINES], strict=False)):
        if any(dialect.decimal in cell for cell in column) and all(is_number(cell, dialect) for cell in column):
            yield position


def _has_requested(first: list[str], requested: Iterable[str | int]) -> bool:
    names = {name.strip() for text in requested for name in str(text).split(",")}
    are_positions = all(name.isdecimal() and int(name) < len(first) for name in names)
    return not are_positions and names <= set(first)


def _judged(first: list[str], below: list[list[str]], dialect: Dialect) -> tuple[bool, str]:
    """Return whether the first line is a header, and a warning where that is not plain."""
    rows, plain = [row[:_SAMPLE_COLUMNS] for row in (first, *below)], Dialect()
    if dialect.decimal == "," or dialect.thousands:
        rows = [[dialect.plain(cell) if dialect.is_number(cell) else cell for cell in row] for row in rows]
    is_header, is_plain = judge(rows[0], rows[1:], lambda cell: cell in BOOLEANS or is_number(cell, plain))
    if is_plain:
        return is_header, ""
    cells = one_line(", ".join(first[:4]) + ", …" * (len(first) > 4), 80)
    kind, mend = ("names", "header=False (--no-header)") if is_header else ("a row", "header=True (--header)")
    return is_header, f"the first line ({cells}) is read as {kind}; if that is wrong, give {mend}"
