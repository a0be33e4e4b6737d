"""Parts of things of any size as a source of rows: others in each epoch, and fixed ones for measuring."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .sources.source import Array

MIN_PARTS = 20  # fewer things are cut into pieces, so that some of them can be held out


class Crops:
    """The base class of patches of images and of segments of signals, as rows.

    Parameters
    ----------
    counts : sequence of int
        How many rows each piece gives.

    Attributes
    ----------
    blocks : array of int64 [n_blocks + 1]
        The rows of each piece.

    Notes
    -----
    As a source, row i is always the same crop. What a run is trained on is `drawn(seed, epoch)`, in which row i is a
    random crop of the same piece: a pure function of (seed, epoch, i).
    """

    columns = None
    shape: tuple[int, ...]
    dtype: np.dtype[np.float32] | np.dtype[np.float64]

    def __init__(self, counts: Sequence[int]) -> None:
        self.blocks = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self._draw: tuple[int, int] | None = None

    def __len__(self) -> int:
        return int(self.blocks[-1])

    def drawn(self, seed: int, epoch: int) -> Self:
        """Return the crops that a run with this seed is trained on in an epoch."""
        crops = copy(self)
        crops._draw = (seed, epoch)
        return crops

    def read(self, start: int, stop: int) -> Array:
        """Return the rows start … stop - 1 as [rows, n_columns], a copy."""
        return self.take(np.arange(start, min(stop, len(self))))

    def read_into(self, start: int, rows: Array) -> None:
        """Read the rows from `start` on into an array; see `data.sources.read_into`."""
        rows[...] = self.take(np.arange(start, start + len(rows)))

    def take(self, indices: NDArray[np.integer]) -> Array:
        """Return the rows at `indices`, in that order, as [rows, n_columns]. Each piece is read once."""
        indices = np.asarray(indices)
        rows = np.empty((len(indices), int(np.prod(self.shape))), self.dtype)
        for part in np.unique(parts := self._parts_of(indices)):
            positions = np.flatnonzero(parts == part)
            rows[positions] = self._crops(int(part), indices[positions] - self.blocks[part])
        return rows

    def _parts_of(self, rows: NDArray[np.integer] | int) -> NDArray[np.intp]:
        """Return the number of the piece of each row."""
        return np.asarray(np.searchsorted(self.blocks, rows, side="right") - 1)

    @abstractmethod
    def beside(self, X: Any) -> Self:
        """Return the targets X as crops, for these of noisy things; raise DataError unless they are pairs."""

    @abstractmethod
    def place(self, row: int) -> str:
        """Return where a row is, for messages; see `place_of`."""

    @abstractmethod
    def _crops(self, part: int, numbers: NDArray[np.integer]) -> Array:
        """Return some of a piece's crops [n, n_columns] by their numbers within it."""


def pieces(lengths: Sequence[int], side: int) -> list[tuple[int, int, int]]:
    """Return each thing's number, and where it, or each piece of it, begins and ends.

    Less than 20 things are cut into pieces, 20 or more if they are long enough, so that some of them can be held out. A
    piece is as long as two crops or longer; of the only thing, as one crop, so that there are two.

    Examples
    --------
    >>> pieces([10, 40], 10), pieces([19], 10), pieces([20], 10)
    ([(0, 0, 10), (1, 0, 20), (1, 20, 40)], [(0, 0, 19)], [(0, 0, 10), (0, 10, 20)])
    """
    wanted, least = -(-MIN_PARTS // len(lengths)), 2 if len(lengths) == 1 else 1
    found = []
    for i, length in enumerate(lengths):
        n = max(min(wanted, length // (2 * side)), min(least, length // side), 1)
        bounds = np.linspace(0, length, n + 1).round().astype(int).tolist()
        found += [(i, start, stop) for start, stop in pairwise(bounds)]
    return found
