"""Rows that can only be read one after the other, as a generator or a loader gives them in batches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError
from ...core.messages import one_line
from .loader_state import pack, unpack
from .source import Array

FIRST_NUMBERS, MAX_FIRST_ROWS = 1 << 26, 1 << 20  # of the first rows, if nothing else is set: 268 MB in float32


def is_stream(X: Any) -> bool:
    """Return whether X gives rows one after the other: a callable, or an iterable that is not a collection or an array.

    Examples
    --------
    >>> is_stream(iter([[1.0]])), is_stream(lambda: iter([[1.0]])), is_stream([[1.0]]), is_stream(np.eye(2))
    (True, True, False, False)
    """
    if hasattr(type(X), "__next__"):
        return True
    if isinstance(X, Collection) or any(_has(X, name) for name in ("shape", "columns", "__array__", "read")):
        return False
    return callable(X) or hasattr(type(X), "__iter__")


def _has(X: Any, name: str) -> bool:
    """Return whether X has an attribute, which is not read: a lazy frame would compute its columns."""
    return hasattr(type(X), name) or name in getattr(X, "__dict__", {})


@dataclass
class Position:
    """How far a stream was read: one for all streams that are parts of it.

    Parameters
    ----------
    batch, row : int, default=0
        The numbers of the next batch of the present pass, and of its first row.
    started : iterator or None
        The rest of the pass that the first rows in memory belong to; None when these were trained on.
    """

    batch: int = 0
    row: int = 0
    started: Iterator[Array] | None = None


class Stream:
    """Rows that can only be read one after the other. As a source it is their first rows, which are in memory.

    Whatever needs rows in any order (moments, checks, held-out rows, samples) takes the first ones. Training takes
    `blocks`: all rows, one pass after the other.

    Parameters
    ----------
    batches : iterable or callable
        Gives batches [n, D] of any n, or single rows [D]: arrays, tensors, or tuples of which the first item counts.
        A callable returns an iterable each time. An iterator can be read once; everything else starts again.
    n_rows : int, optional
        How many first rows are in memory, at least: whole batches are. By default 67 million numbers, at most about a
        million rows. All rows, if there are fewer.
    with_state : bool, default=False
        Whether the state of a loader that has one is read, to go on from later.
    state : bytes, optional
        `first_state` of an earlier stream, which is set before the first batch is read.

    Attributes
    ----------
    restarts : bool
        Whether the rows can be read again from the beginning.
    has_state : bool
        Whether the state of the loader is read: with `with_state`, if it has `state_dict` and `load_state_dict`, as
        torchdata's StatefulDataLoader.
    max_passes : int or None
        How often all rows may be read; None: without end.
    first_state : bytes or None
        The loader's state before the first batch.
    position : Position
        How far the rows were read.

    Raises
    ------
    DataError
        A batch does not hold numbers, has another width or type than the first, or an infinite value; or there is none.

    Examples
    --------
    >>> stream = Stream(lambda: (np.full((2, 3), float(i)) for i in range(4)), n_rows=3)
    >>> len(stream), stream.shape, [len(block) for block in stream.blocks()]
    (4, (3,), [2, 2, 2, 2])
    """

    columns = None

    def __init__(
        self, batches: Any, n_rows: int | None = None, *, with_state: bool = False, state: bytes | None = None
    ) -> None:
        self._batches = batches
        self.has_state = with_state and has_state(batches)
        self.restarts = can_restart(batches)
        self.max_passes: int | None = None if self.restarts else 1
        self.shape: tuple[int, ...] = ()
        self.dtype: np.dtype[np.generic] = np.dtype(np.float32)
        self._may_miss = True
        self._hidden = np.zeros(0, np.uint64)
        self.position = Position()
        if state is not None:
            batches.load_state_dict(unpack(state))
        iterator = self._iterator()
        self.first_state = self.state()
        started = self.position.started = self._checked(iterator)
        try:
            first = next(started)
        except StopIteration:
            raise DataError("X gives no batch of rows; give one that does") from None
        n_rows = n_rows or max(min(FIRST_NUMBERS // first.shape[1], MAX_FIRST_ROWS), 2)
        self._rows, self._bounds = gathered(first, started, n_rows)
        self._kept: npt.NDArray[np.intp] = np.arange(len(self._rows))
        self._may_miss = self._rows.dtype.kind == "f" and bool(np.isnan(self._rows).any())

    def __len__(self) -> int:
        return len(self._kept)

    def read(self, start: int, stop: int) -> Array:
        """Return rows of the first ones as [rows, n_columns], a copy."""
        return self.take(np.arange(start, min(stop, len(self))))

    def take(self, indices: npt.NDArray[np.integer]) -> Array:
        """Return the rows at `indices` of the first ones as [rows, n_columns], a copy."""
        rows: Array = self._rows[self._kept[indices]]
        return rows

    def without(self, indices: npt.NDArray[np.integer]) -> Self:
        """Return the stream without some of the first rows, and without rows equal to them, in every pass."""
        other = copy(self)
        other._hidden = np.union1d(self._hidden, _hashes(self.take(indices)))
        other._kept = np.delete(self._kept, indices)
        other._kept = other._kept[~np.isin(_hashes(self._rows[other._kept]), other._hidden)]
        return other

    def state(self) -> bytes | None:
        """Return the loader's state, from which `go_on` goes on; None if it has none."""
        return pack(self._batches.state_dict()) if self.has_state else None

    @property
    def in_first_rows(self) -> bool:
        """Whether the next block of rows is one of the first, which were read ahead of it."""
        return self.position.started is not None

    def blocks(self) -> Iterator[Array]:
        """Begin the next pass over all rows, and return an iterator over its blocks [rows, n_columns].

        The first pass begins with the rows in memory.
        """
        return (
            self._trained_on(self._checked(self._iterator())) if self.position.started is None else self._first_pass()
        )

    def go_on(self, state: bytes, batch: int, row: int) -> Iterator[Array]:
        """Set the loader's state, and return an iterator over the rest of the pass.

        Parameters
        ----------
        state : bytes
            What `state` returned.
        batch, row : int
            The numbers of the next batch and of its first row in the pass, for messages.
        """
        self.position.started = None
        self._batches.load_state_dict(unpack(state))
        return self._trained_on(self._checked(self._iterator(), batch, row))

    def count(self) -> int:
        """Read the rest of the present pass, and return the number of the rows to train on in it."""
        return sum(map(len, self.blocks()))

    def _first_pass(self) -> Iterator[Array]:
        started = self.position.started
        assert started is not None
        first = (self._rows[start:stop] for start, stop in pairwise(self._bounds))
        yield from self._trained_on(first)
        self.position.started = None
        yield from self._trained_on(started)

    def _iterator(self) -> Iterator[Any]:
        iterable: Iterable[Any] = self._batches() if callable(self._batches) else self._batches
        try:
            return iter(iterable)
        except TypeError:
            raise DataError(
                f"X is a callable whose result is of type {type(iterable).__name__}; let it return an iterator"
            ) from None

    def _trained_on(self, blocks: Iterator[Array]) -> Iterator[Array]:
        """Yield blocks without the rows that are not trained on."""
        for block in blocks:
            rows = block[~np.isin(_hashes(block), self._hidden)] if len(self._hidden) else block
            if len(rows):
                yield rows

    def _checked(self, batches: Iterator[Any], batch: int = 0, row: int = 0) -> Iterator[Array]:
        """Return an iterator over the rows of each batch, as an array of the first one's width and type."""
        self.position.batch, self.position.row = batch, row
        return self._arrays(batches)

    def _arrays(self, batches: Iterator[Any]) -> Iterator[Array]:
        position = self.position
        for each in batches:
            rows = self._array(each)
            self._check_values(rows)
            position.batch, position.row = position.batch + 1, position.row + len(rows)
            if len(rows):
                yield rows

    def _array(self, batch: Any) -> Array:
        place = f"batch {self.position.batch}"
        pair = isinstance(batch, tuple) or (isinstance(batch, list) and len(getattr(batch[0], "shape", ())) > 1)
        rows = batch[0] if pair else batch  # torch collates the pairs (rows, labels) of a data set as a list
        if hasattr(rows, "detach"):
            rows = rows.detach().cpu()
            rows = (rows.float() if str(rows.dtype) == "torch.bfloat16" else rows).numpy()
        try:
            array: Array = np.asarray(rows)
        except ValueError as error:
            raise DataError(f"{place}: {one_line(error)}; give an array [rows, columns]") from error
        if array.dtype.kind not in "biuf" or array.ndim == 0:
            kind = "one number" if array.dtype.kind in "biuf" else f"of type {type(rows).__name__}"
            raise DataError(f"{place} is {kind}, not an array of rows; give arrays or tensors [rows, columns]")
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        array = array[None] if array.ndim == 1 else array
        if not self.shape:
            self.shape, self.dtype = array.shape[1:], array.dtype
        if (array.shape[1:], array.dtype) != (self.shape, self.dtype) or not prod(self.shape):
            raise DataError(
                f"{place} has rows of shape {list(array.shape[1:])} and type {array.dtype}, but the first batch has "
                f"{list(self.shape)} and {self.dtype}; give all batches with the same columns and type"
            )
        return array.reshape(len(array), prod(self.shape))

    def _check_values(self, rows: Array) -> None:
        if rows.dtype.kind != "f":
            return
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(rows.sum()):
                return
        bad = np.isinf(rows) if self._may_miss else ~np.isfinite(rows)
        if bad.any():
            row, column = np.argwhere(bad)[0].tolist()
            value = "infinite" if np.isinf(rows[row, column]) else "NaN, but no value of the first rows is"
            mend = "drop such rows" if value == "infinite" else "drop such rows, or raise shuffle_window"
            place = f"{self.place(self.position.row + row)}, column {column} (batch {self.position.batch})"
            raise DataError(f"{place} is {value}; {mend}")

    def place(self, row: int) -> str:
        """Return where a row is; see `place_of`."""
        return f"row {row:,} of X"


def has_state(batches: Any) -> bool:
    """Return whether a loader has `state_dict` and `load_state_dict`."""
    return hasattr(batches, "state_dict") and hasattr(batches, "load_state_dict")


def can_restart(batches: Any) -> bool:
    """Return whether rows can be read again from the beginning: all but an iterator."""
    return callable(batches) or not hasattr(type(batches), "__next__")


def gathered(first: Array, blocks: Iterator[Array], n_rows: int) -> tuple[Array, list[int]]:
    """Return a block and as many of the next ones as make n_rows rows or more, as one array, and the blocks' bounds.

    Examples
    --------
    >>> gathered(np.zeros((2, 1)), iter([np.ones((2, 1)), np.ones((2, 1))]), 3)[1]
    [0, 2, 4]
    """
    rows: Array = np.empty((max(n_rows - 1, 0) + len(first), first.shape[1]), first.dtype)
    rows[: len(first)] = first
    bounds = [0, len(first)]
    while bounds[-1] < n_rows and (block := next(blocks, None)) is not None:
        stop = bounds[-1] + len(block)
        if stop > len(rows):  # a block larger than the first one
            rows = np.concatenate([rows[: bounds[-1]], block])
        else:
            rows[bounds[-1] : stop] = block
        bounds.append(stop)
    return rows[: bounds[-1]], bounds


def _hashes(rows: Array) -> npt.NDArray[np.uint64]:
    """Return a checksum of each row's bytes: of two rows that differ it is equal with a probability of about 2⁻⁶⁰."""
    n_bytes = rows.dtype.itemsize * rows.shape[1]
    word = next(size for size in (8, 4, 2, 1) if n_bytes % size == 0)
    words = np.ascontiguousarray(rows).view(f"u{word}").astype(np.uint64)
    words ^= words >> np.uint64(32)  # low bits of floats are often 0
    words *= np.uint64(0x9E3779B97F4A7C15)
    words ^= words >> np.uint64(29)
    weights = np.random.default_rng(0).integers(0, 2**64, words.shape[1], np.uint64) | np.uint64(1)
    hashes: npt.NDArray[np.uint64] = words @ weights
    return hashes
