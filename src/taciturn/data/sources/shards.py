"""A source of several files of rows, one after the other: they stay where they are and are read block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError
from ...core.messages import listed, one_line
from .source import Array

BLOCK_BYTES = 1 << 20  # of rows that are read together, where a file may be read from any row on


class Shard(Protocol):
    """The protocol of one file of rows."""

    @property
    def name(self) -> str:
        """The file's name, for messages."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape [rows, ...] of all rows, as the file's header declares it."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the numbers that `read_into` gives, in this machine's byte order."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns' names; None where they have none."""

    @property
    def blocks(self) -> npt.NDArray[np.int64]:
        """Bounds of what is quick to read as a whole, from 0 to the number of rows."""

    @property
    def identity(self) -> str | None:
        """What tells its rows from others, as long as its file is not written again; None where that is unknown."""

    def read_into(self, start: int, rows: Array) -> None:
        """Read the rows from `start` on into an array [rows, n_columns]; several threads may call it at once."""


class Shards:
    """The rows of several files, in the order of the files. They are streamed: never are all of them in memory.

    Parameters
    ----------
    shards : sequence of Shard
        Files of one kind of rows; files without rows are left out.

    Attributes
    ----------
    shards : list of Shard
        Those that have rows.

    Raises
    ------
    DataError
        A file's rows have another shape, type or other columns than those of the first file; the message names it.
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        first = next((shard for shard in shards if shard.shape[0]), shards[0])
        self.shape, self.dtype, self.columns = first.shape[1:] or (1,), first.dtype, first.columns
        self.shards = [shard for shard in shards if shard.shape[0]]
        for shard in self.shards:
            self._check(shard, first)
        self._before = np.concatenate([[0], np.cumsum([shard.shape[0] for shard in self.shards], dtype=np.int64)])

    def _check(self, shard: Shard, first: Shard) -> None:
        """Raise DataError if a file does not fit the first one."""
        same = "write all files with the same columns and type"
        if prod(shard.shape[1:]) != prod(first.shape[1:]):
            widths = prod(shard.shape[1:]), prod(first.shape[1:])
            raise DataError(f"{shard.name} has {widths[0]} columns, but {first.name} has {widths[1]}; {same}")
        if shard.columns != first.columns:
            names = listed(shard.columns or ["none"]), listed(first.columns or ["none"])
            raise DataError(f"{shard.name} has the columns {names[0]}, but {first.name} has {names[1]}; {same}")
        if shard.dtype != first.dtype:
            raise DataError(f"{shard.name} has {shard.dtype} numbers, but {first.name} has {first.dtype}; {same}")

    @property
    def blocks(self) -> npt.NDArray[np.int64]:
        """Bounds of the blocks of all files; see `blocks_of`."""
        each = [before + shard.blocks[1:] for before, shard in zip(self._before.tolist(), self.shards, strict=False)]
        return np.concatenate([np.zeros(1, np.int64), *each])

    @property
    def identity(self) -> str | None:
        """What tells these rows from others; see `identity_of`."""
        each = [shard.identity for shard in self.shards]
        return None if None in each else "\n".join(map(str, each))

    def __len__(self) -> int:
        return int(self._before[-1])

    def place(self, row: int) -> str:
        """Return the row's number in its file, and the file; see `place_of`."""
        number = int(np.searchsorted(self._before, row, side="right")) - 1
        return f"row {row - int(self._before[number])} of {self.shards[number].name}"

    def read(self, start: int, stop: int) -> Array:
        """Return the rows start … stop - 1 as [rows, n_columns], a copy."""
        rows: Array = np.empty((max(min(stop, len(self)) - start, 0), prod(self.shape)), self.dtype)
        self.read_into(start, rows)
        return rows

    def take(self, indices: npt.NDArray[np.integer]) -> Array:
        """Return the rows at `indices`, in that order, as [rows, n_columns]. Neighbouring rows are read together."""
        order = np.argsort(indices, kind="stable")
        ascending = np.asarray(indices)[order]
        rows: Array = np.empty((len(order), prod(self.shape)), self.dtype)
        for run in np.split(np.arange(len(order)), np.flatnonzero(np.diff(ascending) != 1) + 1):
            if len(run):
                rows[order[run]] = self.read(int(ascending[run[0]]), int(ascending[run[0]]) + len(run))
        return rows

    def read_into(self, start: int, rows: Array) -> None:
        """Read the rows from `start` on into an array; see `data.sources.read_into`."""
        stop, first = start + len(rows), int(np.searchsorted(self._before, start, side="right")) - 1
        for number in range(first, int(np.searchsorted(self._before, stop)) if len(rows) else first):
            begin, end = max(int(self._before[number]), start), min(int(self._before[number + 1]), stop)
            shard = self.shards[number]
            with shard_errors(shard.name):
                shard.read_into(begin - int(self._before[number]), rows[begin - start : end - start])


@contextmanager
def shard_errors(name: str) -> Iterator[None]:
    """Raise errors of the block, which opens or reads a file, as one line that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{name}: no such file; it was there before: put it back") from error
    except DataError as error:
        raise type(error)(f"{name}: {error}") from error
    except Warning:  # the user has turned warnings into errors
        raise
    except Exception as error:
        # On broken bytes a decoder may raise any error.
        raise DataError(
            f"{name} cannot be read: {one_line(error) or type(error).__name__}; check that the file is complete"
        ) from error


def even_blocks(n_rows: int, row_bytes: int) -> npt.NDArray[np.int64]:
    """Return bounds of blocks of about a megabyte.

    Examples
    --------
    >>> even_blocks(1000, 4096).tolist()
    [0, 256, 512, 768, 1000]
    """
    return np.append(np.arange(0, n_rows, max(BLOCK_BYTES // max(row_bytes, 1), 1)), n_rows)
