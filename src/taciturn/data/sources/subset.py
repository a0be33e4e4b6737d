"""A source with some rows of another, as a split gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .source import Array, Source, ids_of, stored_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Subset:
    """The rows at some indices of another source, in that order. Nothing is copied before it is read.

    Parameters
    ----------
    source : Source
        The other source.
    indices : array of int
        Numbers of the rows, from 0; any order, repeats allowed.

    Attributes
    ----------
    indices : array of int
        As given.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> Subset(Rows(np.arange(8).reshape(4, 2)), np.array([3, 0])).read(0, 1)
    array([[6, 7]])
    """

    def __init__(self, source: Source, indices: npt.NDArray[np.integer]) -> None:
        self._source, self.indices = source, indices
        self.columns, self.shape, self.dtype = source.columns, source.shape, source.dtype
        self.integers = getattr(source, "integers", ())

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def ids(self) -> list[Any] | None:
        """The rows' ids; see `ids_of`."""
        ids = ids_of(self._source)
        return None if ids is None else [ids[row] for row in self.indices]

    @property
    def variables(self) -> Any:
        """The variables of a table's encoded rows; None for other rows."""
        return getattr(self._source, "variables", None)

    def stored(self, rows: slice | npt.NDArray[np.integer]) -> csr_array | None:
        """Return some rows with their entries other than 0, if the other source is sparse; see `stored_rows`."""
        return stored_rows(self._source, self.indices[rows])

    def read(self, start: int, stop: int) -> Array:
        """Return the rows start … stop - 1 of this subset as [rows, n_columns], a copy."""
        return self._source.take(self.indices[start:stop])

    def take(self, indices: npt.NDArray[np.integer]) -> Array:
        """Return the rows at `indices` of this subset as [rows, n_columns]."""
        return self._source.take(self.indices[indices])
