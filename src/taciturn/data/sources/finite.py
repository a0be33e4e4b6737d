"""The check that all values of a source are finite, or at least not infinite where values may be missing."""

import warnings
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError, EmptyRows
from ...core.messages import quoted
from .source import Source

_BLOCK_NUMBERS = 1 << 20


def check_finite(source: Source, *, missing: bool = False) -> None:
    """Raise DataError if a value is infinite, or NaN where no value may be missing.

    Parameters
    ----------
    source : Source
        All of its rows are read, about a million numbers at a time.
    missing : bool, default=False
        Whether values may be missing, which NaN stands for.

    Raises
    ------
    DataError
        The message gives the first place, and how many values and rows are concerned.

    Warns
    -----
    EmptyRows
        All values of a row are missing.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> rows = Rows(np.array([[1.0, 2.0], [np.nan, 3.0]]), columns=("a", "b"))
    >>> check_finite(rows, missing=True)
    >>> check_finite(rows)
    Traceback (most recent call last):
    taciturn.core.errors.DataError: 1 value in 1 of 2 rows is NaN or infinite, the first in row 1, column 'a' ...
    """
    first_place, bad_values, bad_rows = "", 0, 0
    first_empty, empty_rows = -1, 0
    for start, block in _blocks(source):
        finite = np.isfinite(block)
        if finite.all():
            continue
        bad = np.isinf(block) if missing else ~finite
        if bad.any():
            row, column = np.argwhere(bad)[0]
            name = quoted(source.columns[column]) if source.columns else str(column)
            first_place = first_place or f"row {start + row}, column {name}"
            bad_values, bad_rows = bad_values + int(bad.sum()), bad_rows + int(bad.any(1).sum())
        empty = np.flatnonzero(np.isnan(block).all(1))
        if len(empty):
            first_empty = start + int(empty[0]) if first_empty < 0 else first_empty
            empty_rows += len(empty)
    if bad_values:
        values = "1 value" if bad_values == 1 else f"{bad_values:,} values"
        kind = "infinite" if missing else "NaN or infinite"
        mend = "set them to NaN if they are missing" if missing else "fill them in"
        raise DataError(
            f"{values} in {bad_rows:,} of {len(source):,} rows {'is' if bad_values == 1 else 'are'} {kind}, "
            f"the first in {first_place} (rows count from 0); {mend}, or drop such rows or columns"
        )
    if empty_rows:
        rows = "1 row has" if empty_rows == 1 else f"{empty_rows:,} rows have"
        warnings.warn(
            f"{rows} no known value, the first is row {first_empty} (rows count from 0); drop such rows",
            EmptyRows,
            stacklevel=4,
        )


def has_missing(source: Source) -> bool:
    """Return whether a value of a source is missing (NaN); rows are read until one is found.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> has_missing(Rows(np.array([[1.0, np.nan]]))), has_missing(Rows(np.array([[1, 2]])))
    (True, False)
    """
    if source.dtype.kind != "f":
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        # a sum is quick, and NaN if a value is; it may also be NaN by overflow
        return any(np.isnan(block.sum()) and bool(np.isnan(block).any()) for _, block in _blocks(source))


def _blocks(source: Source) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the first row's number and the rows of each block of about a million numbers."""
    size = max(_BLOCK_NUMBERS // max(prod(source.shape), 1), 1)
    for start in range(0, len(source), size):
        yield start, source.read(start, start + size)
