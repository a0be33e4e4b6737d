"""Columns of text as columns of numbers, booleans and dates, by all of their cells."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from .dialect import Dialect, DialectOptions, thousands_doubt

if TYPE_CHECKING:
    import pyarrow

_GROUPS = ("", ",", ".", " ", "'", "\u00a0", "\u202f")
# Codes, such as 00123, and whole numbers that no number type holds, lose digits as numbers.
_CODE = r"^\s*[+-]?(0[0-9xX]|[0-9]{19,}\s*$)"


def number_form(
    columns: "Sequence[pyarrow.ChunkedArray]", dialect: Dialect, options: DialectOptions
) -> tuple[Dialect, str]:
    """Return the dialect whose decimal point and thousands make most columns numeric.

    Parameters
    ----------
    columns : sequence of pyarrow.ChunkedArray of string
        The columns of a table.
    dialect : Dialect
        The table's, by its first lines; it wins ties.
    options : DialectOptions
        What of it was given, and stays.

    Returns
    -------
    dialect : Dialect
    doubt : str
        A warning if thousands were found, and the points and commas may also be read the other way round; else "".
    """
    texts = [column for column in columns if not _is_numeric(column, dialect)]
    if not texts:
        return dialect, ""
    counts = {form: sum(_is_numeric(column, form) for column in texts) for form in _forms(dialect, options)}
    numeric = {form: sum(_is_numeric(column, form) for column in columns) for form, count in counts.items() if count}
    best = max(numeric, key=lambda form: numeric[form], default=dialect)
    if numeric.get(best, 0) <= len(columns) - len(texts):
        return dialect, ""
    # What groups digits may be the decimal point, and the decimal point may group them.
    if best.thousands in (",", "."):
        rivals = [replace(best, decimal=best.thousands, thousands=group) for group in ("", best.decimal)]
    else:
        rivals = [replace(best, decimal="." if best.decimal == "," else ",", thousands=best.decimal)]
    is_doubtful = best.thousands in ("", ",", ".") and any(numeric.get(rival) == numeric[best] for rival in rivals)
    return best, thousands_doubt(best) if is_doubtful else ""


def _forms(dialect: Dialect, options: DialectOptions) -> Iterator[Dialect]:
    """Yield the dialect with all decimal points and thousands that are not given otherwise, the likely ones first."""
    decimals = [dialect.decimal] if options.get("decimal") else sorted(".,", key=dialect.decimal.__ne__)
    groups = [dialect.thousands] if options.get("thousands") is not None else _GROUPS
    pairs = list(product(groups, decimals))
    if dialect.separator == ",":  # 1,234 in quotes: 1234 rather than 1.234
        pairs.sort(key=lambda pair: pair[1] != dialect.decimal)
    for thousands, decimal in pairs:
        if thousands != decimal:
            yield replace(dialect, decimal=decimal, thousands=thousands)


def _is_numeric(texts: "pyarrow.ChunkedArray", dialect: Dialect) -> bool:
    try:
        as_numbers(texts, dialect)
    except ValueError:  # pyarrow's errors are such
        return False
    return True


def as_numbers(texts: "pyarrow.ChunkedArray", dialect: Dialect) -> "pyarrow.ChunkedArray":
    """Return texts as float64, True and False as 1 and 0; raise ValueError (pyarrow.ArrowInvalid) if one is neither."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.utf8_trim_whitespace(texts).cast(pa.bool_()).cast(pa.float64())
    except pa.ArrowInvalid:
        return dialect.number_texts(texts).cast(pa.float64())


def typed(texts: "pyarrow.ChunkedArray", dialect: Dialect, *, dates: bool = True) -> "pyarrow.ChunkedArray":
    """Return texts in the first type that holds them all, else as they are.

    Parameters
    ----------
    texts : pyarrow.ChunkedArray of string
        The cells of a column; a null is a missing one.
    dialect : Dialect
        How numbers are written.
    dates : bool, default=True
        Whether ISO dates and times become such.

    Returns
    -------
    pyarrow.ChunkedArray
        int64, float64, bool, date32 or timestamp (with a time zone: in UTC); null if all cells are missing. Codes with
        leading zeros, as 00123, and integers of more than 18 digits stay texts.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(texts)
    types = [pa.bool_()]
    if dates:
        types += [pa.date32(), *(pa.timestamp(unit, zone) for unit, zone in product(("us", "ns"), (None, "UTC")))]
    if texts.null_count == len(texts):
        return pa.chunked_array([pa.nulls(len(texts))])
    if not pc.any(pc.match_substring_regex(texts, _CODE)).as_py():
        numbers = dialect.number_texts(texts)
        for dtype in (pa.int64(), pa.float64()):
            try:
                return numbers.cast(dtype)
            except pa.ArrowInvalid:
                continue
    for dtype in types:
        try:
            return trimmed.cast(dtype)
        except pa.ArrowInvalid:
            continue
    return texts
