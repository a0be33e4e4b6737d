"""The check that all values of a source are finite, or at least not infinite where values may be missing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError, EmptyRows
from ...core.messages import quoted
from .source import Source, place_of, stored_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Places = Callable[[NDArray[np.bool_]], tuple[NDArray[Any], ...]]

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
    check = FiniteCheck(source, missing=missing)
    for start, n_rows, numbers, place in _blocks(source):
        check.add(start, n_rows, numbers, place)
    check.finish()
    check.empty.warn(source, "row", stacklevel=4)


@dataclass(frozen=True)
class EmptyCount:
    """How many rows have no known value, and the number of the first."""

    rows: int = 0
    first: int = 0

    def warn(self, source: Source, kind: str, *, stacklevel: int) -> None:
        """Warn of such rows of a source, if there are some; `kind` is what a row is called."""
        if self.rows:
            rows = f"1 {kind} has" if self.rows == 1 else f"{self.rows:,} {kind}s have"
            first = place_of(source, self.first)
            warnings.warn(
                f"{rows} no known value, the first is {first} (rows count from 0); drop such rows",
                EmptyRows,
                stacklevel=stacklevel,
            )


class FiniteCheck:
    """The check of `check_finite`, which takes the rows block by block.

    Parameters
    ----------
    source : Source
        Whose rows are checked, for the message.
    missing : bool
        As for `check_finite`.
    kind : str, default="row"
        What a row is called in messages.
    """

    def __init__(self, source: Source, *, missing: bool, kind: str = "row") -> None:
        self._source, self._missing, self._kind = source, missing, kind
        self._first_place, self._bad_values, self._bad_rows = "", 0, 0
        self.empty = EmptyCount()

    def add(self, start: int, n_rows: int, numbers: NDArray[Any], place: Places = np.nonzero) -> None:
        """Check a block: its first row, its number of rows, its values, and what gives their rows and columns."""
        finite = np.isfinite(numbers)
        if finite.all():
            return
        columns = self._source.columns
        bad = np.isinf(numbers) if self._missing else ~finite
        if bad.any():
            in_rows, in_columns = place(bad)
            name = quoted(columns[in_columns[0]]) if columns else str(in_columns[0])
            self._first_place = self._first_place or f"{place_of(self._source, start + int(in_rows[0]))}, column {name}"
            self._bad_values += len(in_rows)
            self._bad_rows += len(np.unique(in_rows))
        n_missing = np.bincount(place(np.isnan(numbers))[0], minlength=n_rows)
        empty = np.flatnonzero(n_missing == prod(self._source.shape))
        if len(empty):
            first = self.empty.first if self.empty.rows else start + int(empty[0])
            self.empty = EmptyCount(self.empty.rows + len(empty), first)

    def finish(self) -> None:
        """Raise DataError if a value is not allowed; the message names the first place."""
        if self._bad_values:
            values = "1 value" if self._bad_values == 1 else f"{self._bad_values:,} values"
            kind = "infinite" if self._missing else "NaN or infinite"
            mend = "set them to NaN if they are missing" if self._missing else "fill them in"
            raise DataError(
                f"{values} in {self._bad_rows:,} of {len(self._source):,} {self._kind}s "
                f"{'is' if self._bad_values == 1 else 'are'} {kind}, the first in {self._first_place} "
                f"(rows count from 0); {mend}, or drop such rows or columns"
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
        return any(np.isnan(values.sum()) and bool(np.isnan(values).any()) for _, _, values, _ in _blocks(source))


def _blocks(source: Source) -> Iterator[tuple[int, int, NDArray[Any], Places]]:
    """Yield of each block of about a million numbers the first row, the number of rows, the values, and their places.

    Of sparse rows, the values are those that are stored; all others are 0. The last is a function that returns the rows
    and columns within the block of the values that a mask selects.
    """
    start, size = 0, max(_BLOCK_NUMBERS // max(prod(source.shape), 1), 1)
    while start < len(source):
        stop = min(start + size, len(source))
        stored = stored_rows(source, slice(start, stop))
        if stored is None:
            block = source.read(start, stop)
            yield start, len(block), block, np.nonzero
        else:
            yield start, stored.shape[0], stored.data, partial(_stored_places, stored)
            size = max(_BLOCK_NUMBERS * (stop - start) // max(stored.nnz, stop - start), 1)
        start = stop


def _stored_places(rows: csr_array, mask: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    entries = np.flatnonzero(mask)
    return np.searchsorted(rows.indptr, entries, side="right") - 1, rows.indices[entries]
