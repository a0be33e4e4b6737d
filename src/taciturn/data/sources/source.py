"""The protocol of sources of rows, and the source that most files become: an array."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError
from ..missing_values import with_nan

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array = npt.NDArray[np.generic]
_BLOCK_ROWS = 4096


class Source(Protocol):
    """The protocol of a source: N rows of numbers, read in any order.

    Rows are returned flat; `shape` is the original shape of one.
    """

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
        """Return the rows start … stop - 1 as [rows, n_columns]; a view where possible. `stop` may exceed N."""

    def take(self, indices: npt.NDArray[np.integer]) -> Array:
        """Return the rows at `indices`, in that order, as [rows, n_columns]; several threads may call it at once."""


def is_source(X: Any) -> bool:
    """Return whether X is a source.

    Its methods are looked up in its class, because a data frame may have a column named "read".

    Examples
    --------
    >>> is_source(Rows(np.eye(2))), is_source(np.eye(2))
    (True, False)
    """
    return all(callable(getattr(type(X), method, None)) for method in ("read", "take"))


def stored_rows(source: Source, rows: slice | npt.NDArray[np.integer]) -> csr_array | None:
    """Return rows of a sparse source with their entries other than 0; None where the source is dense.

    Parameters
    ----------
    source : Source
        Sparse sources are those with a method `stored`, which this calls.
    rows : slice or array of int
        The rows' numbers.

    Returns
    -------
    csr_array [rows, n_columns] or None
        Sorted by row and column, no entry twice.

    Examples
    --------
    >>> stored_rows(Rows(np.eye(2)), slice(0, 1)) is None
    True
    """
    stored = getattr(source, "stored", None)
    return None if stored is None else stored(rows)


def is_sparse(source: Source) -> bool:
    """Return whether a source is sparse, so that `stored_rows` gives rows of it."""
    return stored_rows(source, slice(0, 0)) is not None


def ids_of(source: Source) -> list[Any] | None:
    """Return the ids of a source's rows; None where it has none.

    Parameters
    ----------
    source : Source
        Sources with ids are those with an attribute `ids`.

    Returns
    -------
    list [N] or None
        Numbers or texts; a missing one is None or NaN.

    Examples
    --------
    >>> ids_of(Rows(np.eye(2), ids=["a", "b"])), ids_of(Rows(np.eye(2)))
    (['a', 'b'], None)
    """
    return getattr(source, "ids", None)


def integers_of(source: Source) -> list[int]:
    """Return the positions of the columns that a table holds as integers; [] for rows of another origin.

    Parameters
    ----------
    source : Source
        Sources of tables have an attribute `integers`. Its columns are read, because a text table may write the first
        numbers without a fraction, and others with one.

    Examples
    --------
    >>> integers_of(Rows([[1.0, 2.0, 0.5], [np.nan, 2.0, 3.0]], integers=[0, 2])), integers_of(Rows(np.eye(2)))
    ([0], [])
    """
    positions = np.array(getattr(source, "integers", ()), np.intp)
    for start in range(0, len(source) if len(positions) else 0, _BLOCK_ROWS):
        numbers = source.read(start, start + _BLOCK_ROWS)[:, positions]
        positions = positions[((numbers == np.rint(numbers)) | (numbers != numbers)).all(0)]
    return [int(position) for position in positions]


def blocks_of(source: Source) -> npt.NDArray[np.int64] | None:
    """Return the bounds of the blocks in which a streamed source is read; None where rows are read in any order.

    Parameters
    ----------
    source : Source
        Streamed sources are those with an attribute `blocks`. Their rows are too many for the memory, or far away.

    Returns
    -------
    array of int64 [n_blocks + 1] or None
        From 0 to the number of rows, ascending. A block is quick to read as a whole.

    Examples
    --------
    >>> blocks_of(Rows(np.eye(2))) is None
    True
    """
    return getattr(source, "blocks", None)


def drawn(source: Source, seed: int, epoch: int) -> Source:
    """Return the rows that a run is trained on in an epoch: the source itself, unless it draws others each time.

    Parameters
    ----------
    source : Source
        Sources with a method `drawn` have other rows in each epoch, such as random patches of images: as many, of the
        same shape, a pure function of the seed and the epoch. Their own rows, which are always the same, are measured.
        Their blocks are held out as a whole.
    seed : int
        The run's seed.
    epoch : int
        The number of the epoch, from 0.

    Examples
    --------
    >>> rows = Rows(np.eye(2))
    >>> drawn(rows, seed=0, epoch=1) is rows
    True
    """
    method = getattr(source, "drawn", None)
    return source if method is None else method(seed, epoch)


def identity_of(source: Source) -> str | None:
    """Return a text that tells the rows of a streamed source from all others; None where that is unknown.

    Parameters
    ----------
    source : Source
        Sources with an attribute `identity` are those of files. It names each file with its size and the time at which
        it was written last, and what of it is read.

    Examples
    --------
    >>> identity_of(Rows(np.eye(2))) is None
    True
    """
    return getattr(source, "identity", None)


def read_into(source: Source, start: int, rows: Array) -> None:
    """Read the rows of a source from `start` on into an array [rows, n_columns] of the source's type.

    Sources with a method `read_into` do it without a copy; several threads may call it at once.

    Examples
    --------
    >>> rows = np.empty((1, 2))
    >>> read_into(Rows(np.eye(2)), 1, rows)
    >>> rows
    array([[0., 1.]])
    """
    method = getattr(source, "read_into", None)
    if method is None:
        rows[...] = source.read(start, start + len(rows))
    else:
        method(start, rows)


def place_of(source: Source, row: int) -> str:
    """Return where a row of a source is, for messages: "row 7", or with the name of its shard.

    Examples
    --------
    >>> place_of(Rows(np.eye(2)), 1)
    'row 1'
    """
    place = getattr(source, "place", None)
    return f"row {row}" if place is None else place(row)


class Rows:
    """An array as a source. Nothing is copied, and a memory map stays on the disk.

    Parameters
    ----------
    array : array-like of shape [rows, ...]
        Booleans, integers or floats of any byte order. Masked entries are missing values (NaN).
    columns : tuple of str, optional
        Names of the columns, one per number of a row.
    shape : tuple of int, optional
        Shape of a row; by default that of the array's rows, (1,) for an array with one axis.
    ids : list, optional
        An id for each row, such as the row labels of a file; see `ids_of`.
    integers : sequence of int, default=()
        The positions of columns that a table's file writes as integers; see `integers_of`.

    Attributes
    ----------
    array : array
        The array, not copied.

    Raises
    ------
    DataError
        The array does not hold numbers or has no axis; or `columns` or `shape` does not fit.

    Examples
    --------
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
        ids: list[Any] | None = None,
        integers: Sequence[int] = (),
    ) -> None:
        # asarray makes a memory map a plain view, which is still on the disk and cheaper to slice.
        self.array: Array = np.asarray(with_nan(array))
        if self.array.dtype.kind not in "biuf":
            raise DataError(f"rows must hold numbers, not {self.array.dtype}; encode them as numbers")
        if self.array.ndim == 0:
            raise DataError("rows must be an array [rows, ...], not one number; write [[number]]")
        self.shape = shape or self.array.shape[1:] or (1,)
        self.columns = None if columns is None else tuple(columns)
        self.ids, self.integers = ids, integers
        self._n_columns = prod(self.array.shape[1:])
        if prod(self.shape) != self._n_columns:
            raise DataError(f"shape={self.shape} does not fit a row of {self._n_columns} numbers; give another shape")
        if self.columns is not None and len(self.columns) != self._n_columns:
            raise DataError(
                f"{len(self.columns)} names were given for {self._n_columns} columns; give one name per column"
            )

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The array's type in this machine's byte order, the only one that torch takes."""
        return self.array.dtype.newbyteorder("=")

    def __len__(self) -> int:
        return len(self.array)

    def read(self, start: int, stop: int) -> Array:
        """Return the rows start … stop - 1 as [rows, n_columns]; a view where the layout allows one."""
        return self._flat(self.array[start:stop])

    def take(self, indices: npt.ArrayLike) -> Array:
        """Return a copy of the rows at `indices`, in that order, as [rows, n_columns]."""
        return self._flat(self.array[np.asarray(indices, dtype=np.intp)])

    def _flat(self, block: Array) -> Array:
        # Flattened block by block: flattening a whole Fortran-ordered memory map would read all of it.
        return block.reshape(len(block), self._n_columns).astype(self.dtype, copy=False)
