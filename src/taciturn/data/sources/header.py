"""Whether the first line of a text table holds names of columns or is a row."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

_DATE = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}|[0-9]{1,2}([./-])[0-9]{1,2}\1[12][0-9]{3})"
    r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9.]+)?)?"
)
_INTEGER = re.compile("[0-9]+")
_YEARS = range(1800, 2101)
_MIN_COUNT = 4  # fewer numbers count up by chance
_MIN_ROWS = 20  # rows that are all written with fractions: then integers in the first line are not chance either


class Verdict(NamedTuple):
    """Whether the first line is a header, and whether that is plain; where it is not, the reader warns."""

    is_header: bool
    is_plain: bool


def judge(first: Sequence[str], below: Sequence[Sequence[str]], is_number: Callable[[str], bool]) -> Verdict:
    """Return whether the first line is a header, by the rows below it.

    Parameters
    ----------
    first : sequence of str
        The first line's cells.
    below : sequence of sequences of str
        Cells of some of the next lines.
    is_number : callable
        Whether a cell is a number or missing.

    Returns
    -------
    Verdict

    Notes
    -----
    A text above numbers is a name. A text that is also below in its column, or a date above dates, belongs to a row.
    Numbers are names only if they are integers that count up or look like years, no row below does so, and most are
    unlike the numbers below them: all of these are written with a fraction, or none reaches the name. Two or three
    numbers that count up may be chance: they are names only above 20 rows of fractions. Names come behind an empty cell
    above 0, 1, 2, …, pandas's row labels.

    Examples
    --------
    >>> def is_number(cell):
    ...     return cell.replace(".", "").isdigit()
    >>> judge(["2019", "2020"], [["1.5", "2.5"]], is_number)
    Verdict(is_header=True, is_plain=False)
    >>> judge(["0", "1"], [["1", "0"]], is_number).is_header, judge(["a", "1"], [["2", "3"]], is_number).is_header
    (False, True)
    """
    columns = [[row[position] for row in below if position < len(row)] for position in range(len(first))]
    if _has_counted_rows(first, columns):
        return Verdict(is_header=True, is_plain=True)
    texts = [position for position, cell in enumerate(first) if not is_number(cell)]
    numbers = [position for position, cell in enumerate(first) if _INTEGER.fullmatch(cell) or _is_float(cell)]
    if any(columns[position] and all(map(is_number, columns[position])) for position in texts):
        return Verdict(is_header=True, is_plain=True)
    if any(_is_among(first[position], columns[position]) for position in texts):
        return Verdict(is_header=False, is_plain=True)
    if texts and not (numbers and below):
        return Verdict(is_header=True, is_plain=True)
    cells = [first[position] for position in numbers]
    counts, years = _counts_up(cells), _are_years(cells) and (len(cells) > 1 or bool(texts))
    if not (counts or years) or not below:
        return Verdict(is_header=False, is_plain=not texts)
    rows = [[row[position] for position in numbers if position < len(row)] for row in below]
    if any(_counts_up(row) or (years and _are_years(row)) for row in rows):
        return Verdict(is_header=False, is_plain=True)
    with_fractions = sum(not any(map(_INTEGER.fullmatch, columns[position])) for position in numbers)
    beyond = sum(_is_beyond(first[position], columns[position]) for position in numbers)
    enough = years or len(numbers) >= _MIN_COUNT
    by_fractions, by_range = 2 * with_fractions > len(numbers), 2 * beyond > len(numbers)
    is_header = (by_fractions and (enough or len(below) >= _MIN_ROWS)) or (by_range and enough)
    return Verdict(is_header, is_plain=not (is_header or by_fractions or enough or texts))


def _has_counted_rows(first: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Return whether the first of several cells is empty, above a column 0, 1, 2, … of two rows or more."""
    if len(first) < 2 or first[0] or len(set(first)) < len(first):
        return False
    return len(columns[0]) > 1 and list(columns[0]) == [str(number) for number in range(len(columns[0]))]


def is_date(cell: str) -> bool:
    """Return whether a cell is a date, as 2024-05-01, 1.5.2024 or 05/01/2024 14:05."""
    return _DATE.fullmatch(cell) is not None


def _is_among(cell: str, column: Sequence[str]) -> bool:
    """Return whether a cell is one of those below it, or a date as all of them."""
    return cell in column or (bool(column) and is_date(cell) and all(map(is_date, column)))


def _is_float(cell: str) -> bool:
    try:
        return float(cell) == float(cell)
    except ValueError:
        return False


def _integers(cells: Sequence[str]) -> list[int]:
    return [int(cell) for cell in cells] if all(_INTEGER.fullmatch(cell) and len(cell) < 20 for cell in cells) else []


def _counts_up(cells: Sequence[str]) -> bool:
    """Return whether two cells or more are integers, each one more than the cell before it."""
    values = _integers(cells)
    return len(values) > 1 and values == list(range(values[0], values[0] + len(values)))


def _are_years(cells: Sequence[str]) -> bool:
    """Return whether the cells are different years."""
    values = _integers(cells)
    return bool(values) and len(set(values)) == len(values) and all(value in _YEARS for value in values)


def _is_beyond(name: str, column: Sequence[str]) -> bool:
    """Return whether a number lies outside the range of the numbers below it."""
    values = [float(cell) for cell in column if _is_float(cell)]
    return not values or not min(values) <= float(name) <= max(values)
