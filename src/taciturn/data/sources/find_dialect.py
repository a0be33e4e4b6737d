"""Which dialect a text table is written in: a few are tried on its first lines."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .csv_lines import BOOLEANS
from .dialect import Dialect, DialectOptions, mend, thousands_doubt
from .header import is_date
from .text_file import single_spaces

SEPARATORS = (",", ";", "\t", "|", " ")
_MAX_CELLS = 20_000  # tried
_MAX_COLUMNS = 200  # judged
_MAX_RAGGED = 0.1  # share of lines with another number of cells, which the reader of all lines refuses
_THREE_DIGITS = {mark: re.compile(rf"[+-]?[1-9][0-9]{{0,2}}(?:[{mark}][0-9]{{3}})+") for mark in ",."}
_NUMBERS = re.compile(r"[-+0-9.,eE]+(?: +[-+0-9.,eE]+)+")  # between spaces
_SPACED_GROUPS = re.compile(r"[-+]?[0-9]{1,3}(?: [0-9]{3})+(?:[.,][0-9]*)?")
_MIN_PRICES = 3  # rows of two integers that may be one number with a decimal comma


@dataclass(frozen=True)
class Found:
    """A dialect, and what it makes of the first lines.

    Parameters
    ----------
    dialect : Dialect
    width : int, default=1
        Number of cells of most lines.
    score : tuple, default=(0, 0)
        Number of columns that are parsed consistently less that of the others, where a column with some cells that are
        wrong, or lines of another width, counts in part; and number of columns of numbers, booleans and dates.
    doubt : str, default=""
        A warning with both readings, if the lines may be read in two ways.
    """

    dialect: Dialect
    width: int = 1
    score: tuple[float, int] = (0, 0)
    doubt: str = ""


def usual_separator(path: Path) -> str:
    """Return the separator that a file's ending stands for: tabs for .tsv and .tab, else a comma."""
    return "\t" if re.search(r"\.(tsv|tab)(\.[a-z0-9]+)?$", path.name.lower()) else ","


def find_dialect(
    lines: Sequence[str], options: DialectOptions, encoding: str, path: Path, is_missing: frozenset[str]
) -> Found:
    """Return the dialect that parses most columns of some lines consistently.

    Parameters
    ----------
    lines : sequence of str
        The first lines of the file.
    options : DialectOptions
        What is given, and not to be found.
    encoding : str
        The file's, if the options have none.
    path : Path
        The file, for messages and for its usual separator, which wins ties.
    is_missing : frozenset of str
        Cells that are a missing value.

    Returns
    -------
    Found

    Notes
    -----
    A column is parsed consistently if its cells are numbers, or texts without a separator of another dialect. A space
    separates numbers only: texts of two words are one cell. Where no dialect gives lines of one width, the usual one
    is returned, and the reader of all lines names the line.
    """
    usual = Dialect.of(options, separator=usual_separator(path), encoding=encoding)
    sample = "".join(lines)
    dialects = _candidates(usual, lines, sample, options)
    if len(dialects) == 1 and '"' not in sample and (dialects[0].separator == "," or "," not in sample):
        return Found(dialects[0], doubt=_doubt(lines, dialects[0], [], options))  # numbers have decimal points
    tried = [found for each in dialects if (found := _tried(lines, each, options, is_missing))]
    best = max(tried, key=lambda found: found.score, default=Found(dialects[0]))  # the first of equals
    # Texts of two words may be one cell, and a tie is decided by the order: both are announced.
    fits = best.score if best.width > 1 else (0, 1 + best.score[1])
    rivals = [found.dialect for found in tried if found.score >= fits and found.width > 1]
    rivals = [rival for rival in rivals if rival.separator != best.dialect.separator]
    return replace(best, doubt=_doubt(lines, best.dialect, rivals, options))


def _candidates(usual: Dialect, lines: Sequence[str], sample: str, options: DialectOptions) -> list[Dialect]:
    """Return the dialects to try: those whose separator and quotes are in the lines, the usual one first."""
    separators = [usual.separator]
    if options.get("separator") is None:
        separators += [mark for mark in SEPARATORS if mark in sample and mark != usual.separator]
        if options.get("decimal") == "," and '"' not in sample:  # the commas cannot separate cells as well
            separators = [mark for mark in separators if mark != ","] or [";"]
        elif ";" not in separators and _is_decimal_column(lines):
            separators.append(";")
    quotes = [usual.quote] if options.get("quote") else ['"', "'"] if "'" in sample else ['"']
    return [replace(usual, separator=mark, quote=quote) for mark in separators for quote in quotes]


def _tried(lines: Sequence[str], dialect: Dialect, options: DialectOptions, is_missing: frozenset[str]) -> Found | None:
    """Return what a dialect makes of lines; None if it gives them different numbers of cells."""
    rows = list(_rows(lines, dialect))
    if not rows:
        return None
    below = rows[1:] or rows
    width = Counter(map(len, below)).most_common(1)[0][0]
    same = [row for row in below if len(row) == width]
    ragged = len(below) - len(same)
    if ragged > max(1, _MAX_RAGGED * len(below)) or not has_header_of(rows[0], width, dialect):
        return None
    if ragged and len(rows[0]) < width:
        return None
    columns = [[row[position] for row in same] for position in range(min(width, _MAX_COLUMNS))]
    columns = [[cell for cell in column if cell not in is_missing] for column in columns]
    decimals = [dialect.decimal] if options.get("decimal") else [".", ","]
    # A comma that groups digits is no decimal comma: both kinds of number are numbers here.
    numeric = {mark: [_is_numeric(column, _forms(dialect, mark)) for column in columns] for mark in decimals}
    if dialect.separator == ",":
        decimal = max(decimals, key=lambda mark: sum(numeric[mark]))  # 1,234 in quotes: 1234 rather than 1.234
    else:
        ungrouped = {mark: [_is_numeric(column, _forms(dialect, mark)[:1]) for column in columns] for mark in decimals}
        top = {mark: [_is_numeric([cell], _forms(dialect, mark)) for cell in rows[0]] for mark in decimals}
        decimal = max(decimals, key=lambda mark: (sum(numeric[mark]), sum(ungrouped[mark]), sum(top[mark])))
    score = 0.0
    for column, is_number in zip(columns, numeric[decimal], strict=True):
        wrong = 0 if is_number else sum(_is_split_wrongly(cell, dialect) for cell in column)
        score += 1 - 2 * (wrong + ragged) / max(len(column) + ragged, 1)
    return Found(replace(dialect, decimal=decimal), width, (round(score, 9), sum(numeric[decimal])))


def has_header_of(first: Sequence[str], width: int, dialect: Dialect) -> bool:
    """Return whether a first line fits lines of this width: it may have one cell less, as R's write.table writes it.

    One name above lines "1,5" is a column with a decimal comma, and not that of lines with row labels.
    """
    return len(first) == width or (len(first) == width - 1 and (len(first) > 1 or dialect.separator != ","))


def _rows(lines: Sequence[str], dialect: Dialect) -> Iterator[list[str]]:
    """Yield the cells of lines, up to a number of cells."""
    n_cells = 0
    texts: Iterator[str] = iter(lines)
    if dialect.separator == " ":
        texts = single_spaces(texts)
    try:
        for cells in csv.reader(texts, delimiter=dialect.separator, quotechar=dialect.quote):
            n_cells += len(cells)
            if cells:
                yield cells
            if n_cells > _MAX_CELLS:
                return
    except csv.Error:  # a cell of more than 131,072 characters
        return


def _forms(dialect: Dialect, decimal: str) -> list[Dialect]:
    """Return the dialect with a decimal point, without and with thousands; 10.100.200 is a code between commas."""
    thousands = dialect.thousands or ("," if decimal == "." else ".")
    groups = [""] if dialect.separator == "," and thousands == "." else ["", thousands]
    return [replace(dialect, decimal=decimal, thousands=group) for group in groups]


def _is_numeric(column: Sequence[str], forms: Sequence[Dialect]) -> bool:
    """Return whether all cells are numbers of these forms, booleans or dates."""
    return all(cell in BOOLEANS or any(form.is_number(cell) for form in forms) or is_date(cell) for cell in column)


def _is_split_wrongly(cell: str, dialect: Dialect) -> bool:
    """Return whether a text is several cells of another dialect, or stands in the other kind of quotes."""
    if dialect.separator == " " or f" {dialect.quote}" in cell:
        return True
    if _NUMBERS.fullmatch(cell.strip()):
        return _SPACED_GROUPS.fullmatch(cell.strip()) is None
    quote = "'" if dialect.quote == '"' else '"'
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] == quote
    return is_quoted or any(mark in cell for mark in SEPARATORS if mark not in (dialect.separator, " "))


def _is_decimal_column(lines: Sequence[str]) -> bool:
    """Return whether lines "1,5" stand below a line without a comma: one column with a decimal comma."""
    rows = [line.strip() for line in lines if line.strip()]
    return len(rows) > 1 and "," not in rows[0] and all(row.count(",") < 2 for row in rows)


def _doubt(lines: Sequence[str], dialect: Dialect, rivals: Sequence[Dialect], options: DialectOptions) -> str:
    """Return a warning with both readings if the lines may be read in two ways, else ""."""
    rows = list(_rows(lines, dialect))
    if rivals:
        other = rivals[0].separator
        kind = "lines are read as one cell"
        if len(rows[-1]) > 1:
            kind = f"the separator is read as {dialect.separator!r}"
        return f"{kind}; {other!r} fits as well: then {mend(separator=other)}"
    if dialect.separator == ",":
        pair = _price(rows) if options.get("separator") is None else None
        if pair is None:
            return ""
        two = f"two cells, {pair[0]} and {pair[1]}"
        return f"{','.join(pair)} is read as {two}; if it is one number with a decimal comma, {mend(decimal=',')}"
    mark, is_open = dialect.decimal, options.get("decimal") is None and options.get("thousands") is None
    cells = [cell.strip() for row in rows for cell in row[:_MAX_COLUMNS] if mark in cell and dialect.is_number(cell)]
    if is_open and cells and (mark == "," or dialect.separator == ";"):
        return thousands_doubt(dialect, cells[0]) if all(map(_THREE_DIGITS[mark].fullmatch, cells)) else ""
    return ""


def _price(rows: Sequence[Sequence[str]]) -> Sequence[str] | None:
    """Return the first row if all are two integers, of which the second is like the decimals of the first."""
    if any(len(row) != 2 or not row[0].removeprefix("-").isdecimal() or not row[1].isdecimal() for row in rows):
        return None
    lengths, is_varied = {len(row[1]) for row in rows}, len({len(row[0]) for row in rows}) > 1
    is_price = len(rows) >= _MIN_PRICES and (lengths in ({2}, {3}) or (lengths == {1} and is_varied))
    has_zero = any(len(row[1]) > 1 and row[1][0] == "0" for row in rows)
    return rows[0] if is_price or has_zero else None
