"""The check that all values of a source are finite."""

from math import prod

import numpy as np

from ...core.errors import DataError
from ...core.messages import quoted
from .source import Source

_BLOCK_NUMBERS = 1 << 20


def check_finite(source: Source) -> None:
    """Raise DataError if a value is NaN or infinite.

    Parameters
    ----------
    source : Source
        All of its rows are read, about a million numbers at a time.

    Raises
    ------
    DataError
        The message gives the first place, and how many values and rows are concerned.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> check_finite(Rows(np.array([[1.0, 2.0], [np.nan, 3.0]]), columns=("a", "b")))
    Traceback (most recent call last):
    taciturn.core.errors.DataError: 1 value in 1 of 2 rows is NaN or infinite, the first in row 1, column 'a' ...
    """
    first_place, bad_values, bad_rows = "", 0, 0
    block = max(_BLOCK_NUMBERS // max(prod(source.shape), 1), 1)
    for start in range(0, len(source), block):
        bad = ~np.isfinite(source.read(start, start + block))
        if bad.any():
            row, column = np.argwhere(bad)[0]
            name = quoted(source.columns[column]) if source.columns else str(column)
            first_place = first_place or f"row {start + row}, column {name}"
            bad_values, bad_rows = bad_values + int(bad.sum()), bad_rows + int(bad.any(1).sum())
    if bad_values:
        values = "1 value" if bad_values == 1 else f"{bad_values:,} values"
        raise DataError(
            f"{values} in {bad_rows:,} of {len(source):,} rows {'is' if bad_values == 1 else 'are'} NaN or infinite, "
            f"the first in {first_place} (rows count from 0); fill them in, or drop such rows or columns"
        )
