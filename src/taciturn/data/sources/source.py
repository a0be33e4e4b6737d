"""Where rows come from, and the source that every file ends as: an array."""

from math import prod
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError

Array = npt.NDArray[np.generic]


class Source(Protocol):
    """Rows of numbers, read in any order; a row is flat, `shape` says what it was."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns' names; None where they have none."""

    @property
    def shape(self) -> tuple[int, ...]:
        """A row's shape: (64,), or (8, 8) for an image."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the numbers that `read` and `take` return."""

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Array:
        """Return the rows start … stop − 1 as [rows, n_columns]: a view where it can be."""

    def take(self, indices: npt.NDArray[np.integer]) -> Array:
        """Return the rows at `indices`, in that order, as [rows, n_columns]; more than one thread may ask at a time."""


class Rows:
    """An array [rows, ...] as a source: nothing is copied, and a memory map stays on the disk.

    >>> images = Rows(np.arange(12).reshape(3, 2, 2))
    >>> images.shape, len(images)
    ((2, 2), 3)
    >>> images.take([2, 0])
    array([[ 8,  9, 10, 11],
           [ 0,  1,  2,  3]])
    """

    def __init__(
        self,
        array: npt.ArrayLike,
        columns: tuple[str, ...] | None = None,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        # A plain view of a memory map is still on the disk, and its slices cost less.
        self.array: Array = np.asarray(array)
        if self.array.dtype.kind not in "biuf":
            raise DataError(f"rows must hold numbers, not {self.array.dtype}; encode them as numbers")
        if self.array.ndim == 0:
            raise DataError("rows must be an array [rows, ...], not one number; wrap it: [[number]]")
        self.shape = shape or self.array.shape[1:] or (1,)
        self.columns = None if columns is None else tuple(columns)
        self._n_columns = prod(self.array.shape[1:])
        if prod(self.shape) != self._n_columns:
            raise DataError(f"shape={self.shape} does not hold a row of {self._n_columns} numbers")
        if self.columns is not None and len(self.columns) != self._n_columns:
            raise DataError(f"{len(self.columns)} names were given for {self._n_columns} columns")

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The array's type in this machine's byte order: torch takes no other."""
        return self.array.dtype.newbyteorder("=")

    def __len__(self) -> int:
        return len(self.array)

    def read(self, start: int, stop: int) -> Array:
        """Return the rows start … stop − 1 as [rows, n_columns]: a view where the layout allows one."""
        return self._flat(self.array[start:stop])

    def take(self, indices: npt.ArrayLike) -> Array:
        """Return a copy of the rows at `indices`, in that order, as [rows, n_columns]."""
        return self._flat(self.array[np.asarray(indices, dtype=np.intp)])

    def _flat(self, block: Array) -> Array:
        # Flattened by the block: flattening the whole of a Fortran-ordered memory map would read it all.
        return block.reshape(len(block), self._n_columns).astype(self.dtype, copy=False)
