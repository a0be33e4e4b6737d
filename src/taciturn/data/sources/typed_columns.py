"""Columns of text as columns of numbers, booleans and dates, by all of their cells."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from .dialect import Dialect, DialectOptions, thousands_doubt

if TYPE_CHECKING:
    import pyarrow

_GROUPS = ("", ",", ".", " ", "'", "\u00a0", "\u202f")
_FIRST_ROWS = 1000
# Codes, such as 00123, and whole numbers that no number type holds, lose digits as numbers.
_CODE = r"^[+-]?(0[0-9xX]|[0-9]{19,}$)"


def number_form(
    columns: "Sequence[pyarrow.ChunkedArray]", dialect: Dialect, options: DialectOptions
) -> "tuple[Dialect, list[pyarrow.ChunkedArray | None], str]":
    """Return the dialect whose decimal point and thousands make most columns numeric, and their numbers.

    Parameters
    ----------
    columns : sequence of pyarrow.ChunkedArray of string
        Columns of a table.
    dialect : Dialect
        The table's, by its first lines; it wins ties.
    options : DialectOptions
        What of it was given, and stays.

    Returns
    -------
    dialect : Dialect
    numbers : list of pyarrow.ChunkedArray of float64, or None for a column that is not numeric
        True and False are 1 and 0.
    doubt : str
        A warning if points and commas were found to be numbers in two ways; else "".
    """
    numbers = [_numbers(column, dialect) for column in columns]
    texts = [column for column, values in zip(columns, numbers, strict=True) if values is None]
    forms = [form for form in _forms(dialect, options) if any(_numbers(column, form) is not None for column in texts)]
    found = {form: [_numbers(column, form) for column in columns] for form in forms}
    counts = {form: len(columns) - values.count(None) for form, values in found.items()}
    best = max(counts, key=lambda form: counts[form], default=dialect)
    if counts.get(best, 0) <= len(columns) - len(texts):
        return dialect, numbers, ""
    # What groups digits may be the decimal point, and the decimal point may group them.
    if best.thousands in (",", "."):
        rivals = [replace(best, decimal=best.thousands, thousands=group) for group in ("", best.decimal)]
    else:
        rivals = [replace(best, decimal="." if best.decimal == "," else ",", thousands=best.decimal)]
    is_doubtful = best.thousands in ("", ",", ".") and any(counts.get(rival) == counts[best] for rival in rivals)
    return best, found[best], thousands_doubt(best) if is_doubtful else ""


def _forms(dialect: Dialect, options: DialectOptions) -> Iterator[Dialect]:
    """Yield the dialect with all decimal points and thousands that are not given otherwise, the likely ones first."""
    decimals = [dialect.decimal] if options.get("decimal") else sorted(".,", key=dialect.decimal.__ne__)
    groups: Sequence[str] = _GROUPS if dialect.separator != "," else ("", ",")  # 10.100.200 is a code there
    if options.get("thousands") is not None:
        groups = [dialect.thousands]
    pairs = list(product(groups, decimals))
    if dialect.separator == ",":  # 1,234 in quotes: 1234 rather than 1.234
        pairs.sort(key=lambda pair: pair[1] != dialect.decimal)
    for thousands, decimal in pairs:
        if thousands != decimal:
            yield replace(dialect, decimal=decimal, thousands=thousands)


def _numbers(texts: "pyarrow.ChunkedArray", dialect: Dialect) -> "pyarrow.ChunkedArray | None":
    """Return texts as float64, True and False as 1 and 0; None if one is neither."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(texts)
    booleans = _cast(trimmed, pa.bool_())
    return _cast(dialect.number_texts(trimmed), pa.float64()) if booleans is None else booleans.cast(pa.float64())


def _cast(texts: "pyarrow.ChunkedArray", dtype: "pyarrow.DataType") -> "pyarrow.ChunkedArray | None":
    """Return texts in a type; None if one is not of it."""
    import pyarrow as pa

    try:
        # The first rows alone, because pyarrow describes each cell that it cannot cast, which is slow.
        return [cells.cast(dtype) for cells in (texts.slice(0, _FIRST_ROWS), texts)][1]
    except pa.ArrowInvalid:
        return None


def typed(
    texts: "pyarrow.ChunkedArray", dialect: Dialect, numbers: "pyarrow.ChunkedArray | None", *, dates: bool = True
) -> "pyarrow.ChunkedArray":
    """Return texts in the first type that holds them all, else as they are.

    Parameters
    ----------
    texts : pyarrow.ChunkedArray of string
        The cells of a column; a null is a missing one.
    dialect : Dialect
        How numbers are written.
    numbers : pyarrow.ChunkedArray of float64 or None
        What `number_form` made of them.
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

    if texts.null_count == len(texts):
        return pa.chunked_array([pa.nulls(len(texts))])
    trimmed = pc.utf8_trim_whitespace(texts)
    types = [pa.date32(), *(pa.timestamp(unit, zone) for unit, zone in product(("us", "ns"), (None, "UTC")))]
    if numbers is not None:
        if pc.any(pc.match_substring_regex(trimmed, _CODE)).as_py():
            return texts
        trimmed, types = dialect.number_texts(trimmed), [pa.int64(), pa.bool_()]
    elif not dates:
        return texts
    values = (_cast(trimmed, dtype) for dtype in types)
    return next((column for column in values if column is not None), texts if numbers is None else numbers)
