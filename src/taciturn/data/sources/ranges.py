"""A source with some runs of rows of a streamed source, as a split of it gives them."""

from __future__ import annotations

from hashlib import blake2b
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .source import Array, Source, blocks_of, drawn, identity_of, ids_of, place_of, read_into, stored_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Ranges:
    """The rows of another source within some ranges, in their order. It stays streamed, and takes no memory for rows.

    Parameters
    ----------
    source : Source
        The other source.
    bounds : array of int64 [n_ranges, 2]
        The first row of each range and the row after its last one: ascending, none empty, none overlaps another.

    Attributes
    ----------
    source : Source
        The other source.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> rows = Ranges(Rows(np.arange(10).reshape(5, 2)), np.array([[0, 1], [3, 5]]))
    >>> rows.read(0, 3)[:, 0].tolist(), rows.take(np.array([2, 0]))[:, 0].tolist()
    ([0, 6, 8], [8, 0])
    """

    def __init__(self, source: Source, bounds: npt.NDArray[np.int64]) -> None:
        self.source, self._bounds, self._starts = source, bounds, bounds[:, 0]
        self._before = np.concatenate([[0], (bounds[:, 1] - bounds[:, 0]).cumsum()])
        self.columns, self.shape, self.dtype = source.columns, source.shape, source.dtype

    def __len__(self) -> int:
        return int(self._before[-1])

    @property
    def blocks(self) -> npt.NDArray[np.int64] | None:
        """The bounds of the other source's blocks, as numbers of these rows; see `blocks_of`."""
        blocks = blocks_of(self.source)
        if blocks is None:
            return None
        of_range = np.maximum(np.searchsorted(self._starts, blocks, side="right") - 1, 0)
        within = np.clip(blocks - self._starts[of_range], 0, self._before[of_range + 1] - self._before[of_range])
        return np.unique(self._before[of_range] + within)

    def drawn(self, seed: int, epoch: int) -> Ranges:
        """Return the rows that the other source has in an epoch within the ranges; see `data.sources.drawn`."""
        source = drawn(self.source, seed, epoch)
        return self if source is self.source else Ranges(source, self._bounds)

    @property
    def identity(self) -> str | None:
        """What tells these rows from others; see `identity_of`."""
        whole, bounds = identity_of(self.source), np.stack([self._starts, np.diff(self._before)])
        return None if whole is None else f"{whole}\nranges {blake2b(bounds.tobytes(), digest_size=16).hexdigest()}"

    @property
    def ids(self) -> list[Any] | None:
        """The rows' ids; see `ids_of`."""
        ids = ids_of(self.source)
        return None if ids is None else [ids[row] for row in self.indices]

    @property
    def indices(self) -> npt.NDArray[np.int64]:
        """The numbers of all rows in the other source."""
        return self.rows(np.arange(len(self)))

    def rows(self, indices: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """Return the numbers in the other source of the rows at `indices`."""
        of_range = np.searchsorted(self._before, indices, side="right") - 1
        rows: npt.NDArray[np.int64] = self._starts[of_range] + (indices - self._before[of_range])
        return rows

    def stored(self, rows: slice | npt.NDArray[np.integer]) -> csr_array | None:
        """Return some rows with their entries other than 0, if the other source is sparse; see `stored_rows`."""
        return stored_rows(
            self.source, self.rows(np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows)
        )

    @property
    def variables(self) -> Any:
        """The variables of a table's encoded rows; None for other rows."""
        return getattr(self.source, "variables", None)

    def place(self, row: int) -> str:
        """Return where a row is; see `place_of`."""
        return place_of(self.source, int(self.rows(np.array([row]))[0]))

    def read(self, start: int, stop: int) -> Array:
        """Return the rows start … stop - 1 as [rows, n_columns], a copy."""
        rows = np.empty((max(min(stop, len(self)) - start, 0), prod(self.shape)), self.dtype)
        self.read_into(start, rows)
        return rows

    def take(self, indices: npt.NDArray[np.integer]) -> Array:
        """Return the rows at `indices` as [rows, n_columns]."""
        return self.source.take(self.rows(np.asarray(indices)))

    def read_into(self, start: int, rows: Array) -> None:
        """Read the rows from `start` on into an array; see `data.sources.read_into`."""
        stop, of_range = start + len(rows), int(np.searchsorted(self._before, start, side="right")) - 1
        for number in range(of_range, int(np.searchsorted(self._before, stop)) if len(rows) else 0):
            first, last = max(int(self._before[number]), start), min(int(self._before[number + 1]), stop)
            begin = int(self._starts[number]) + first - int(self._before[number])
            read_into(self.source, begin, rows[first - start : last - start])
