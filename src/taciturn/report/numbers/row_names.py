"""Names and texts of rows: what a user gives to recognise a row."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ...core.errors import DataError

MAX_SHOWN = 40  # characters of a wrong value in a message


def row_names(ids: Iterable[Any] | None, n_rows: int) -> list[str] | None:
    """Return the rows' names.

    Parameters
    ----------
    ids : iterable of object [N] or None
        An id for each row. It becomes text.
    n_rows : int
        The number of rows, N.

    Returns
    -------
    list of str [N] or None
        The ids; with the row's index where an id is empty or not unique. None without ids.

    Raises
    ------
    DataError
        There is not one id for each row.

    Examples
    --------
    >>> row_names(["a", "b", "b", ""], 4)
    ['a', 'b (row 1)', 'b (row 2)', '(row 3)']
    """
    if ids is None:
        return None
    texts = [str(value).strip() for value in _one_per_row("ids", ids, n_rows)]
    counts = Counter(texts)
    return [text if text and counts[text] == 1 else f"{text} (row {row:,})".strip() for row, text in enumerate(texts)]


def row_texts(texts: Iterable[Any] | None, n_rows: int) -> list[str] | None:
    """Return the rows' texts, checked.

    Parameters
    ----------
    texts : iterable of str [N] or None
        A text for each row.
    n_rows : int
        The number of rows, N.

    Returns
    -------
    list of str [N] or None
        None without texts.

    Raises
    ------
    DataError
        There is not one text for each row, or a text is not a str.

    Examples
    --------
    >>> row_texts(["a cat", None], 2)
    Traceback (most recent call last):
    taciturn.core.errors.DataError: texts: row 1 is None, not a string; give a string for each row, "" for none
    """
    if texts is None:
        return None
    values = _one_per_row("texts", texts, n_rows)
    wrong = next((row for row, text in enumerate(values) if not isinstance(text, str)), None)
    if wrong is not None:
        shown = repr(values[wrong])[:MAX_SHOWN]
        raise DataError(f'texts: row {wrong:,} is {shown}, not a string; give a string for each row, "" for none')
    return values


def _one_per_row(name: str, values: Iterable[Any], n_rows: int) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise DataError(f"{name} must be a sequence with one entry per row, such as a list")
    entries = list(values)
    if len(entries) != n_rows:
        raise DataError(f"{name} has {len(entries):,} entries, but there are {n_rows:,} rows; give one entry per row")
    return entries
