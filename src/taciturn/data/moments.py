"""What a data set is like, streamed in float64: how its columns spread, how they go together, how long rows are."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .sources import Source


class Moments:
    """Per-column statistics of all rows added so far; any split into blocks gives the same.

    Examples
    --------
    >>> m = Moments().add([[0.0, 5.0], [2.0, 5.0]]).add([[4.0, 5.0]])
    >>> m.count, m.mean.tolist(), m.low.tolist(), m.constant.tolist()
    (3, [2.0, 5.0], [0.0, 5.0], [False, True])

    `crossed`: keep Σ (x - mean)(x - mean)' as well.
    """

    def __init__(self, *, crossed: bool = False) -> None:
        self.count, self.crossed = 0, crossed
        self.norm = 0.0  # the mean of the rows' lengths
        self.mean: NDArray[np.float64] = np.zeros(0)
        self.squares: NDArray[np.float64] = np.zeros(0)  # Σ (x - mean)²
        self.low: NDArray[np.float64] = np.zeros(0)
        self.high: NDArray[np.float64] = np.zeros(0)
        self.products: NDArray[np.float64] = np.zeros((0, 0))  # Σ (x - mean)(x - mean)', if crossed

    def add(self, rows: ArrayLike) -> Self:
        """Take in rows [B, D]."""
        x = np.asarray(rows, np.float64)
        if not len(x):
            return self
        block = Moments(crossed=self.crossed)
        block.norm = float(np.linalg.norm(x, axis=1).mean())
        block.count, block.mean, block.low, block.high = len(x), x.mean(0), x.min(0), x.max(0)
        # a column of one value has it for its mean and no variance at all, whatever rounding makes of the sum
        block.mean = np.where(block.constant, block.low, block.mean)
        centred = x - block.mean
        block.squares = np.square(centred).sum(0)
        if self.crossed:
            block.products = centred.T @ centred
        return self.merge(block)

    def merge(self, other: "Moments") -> Self:
        """Take in all rows of other moments (Chan, Golub and LeVeque's pairwise update, 1979)."""
        if not other.count:
            return self
        if not self.count:
            self.__dict__.update(other.__dict__)
            return self
        total, delta = self.count + other.count, other.mean - self.mean
        if self.crossed:
            self.products = self.products + other.products + np.outer(delta, delta) * (self.count * other.count / total)
        self.norm += (other.norm - self.norm) * (other.count / total)
        self.squares = self.squares + other.squares + np.square(delta) * (self.count * other.count / total)
        self.mean = self.mean + delta * (other.count / total)
        self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        self.mean = np.where(self.constant, self.low, self.mean)
        self.squares = np.where(self.constant, 0.0, self.squares)
        self.count = total
        return self

    @property
    def variance(self) -> NDArray[np.float64]:
        """Each column's mean squared distance from its mean."""
        return self.squares / max(self.count, 1)

    @property
    def correlation(self) -> NDArray[np.float64]:
        """The columns' correlations [D, D], if crossed; a constant column goes with itself only."""
        std = np.sqrt(np.where(self.constant, 1.0, self.squares))
        found: NDArray[np.float64] = self.products / std / std[:, None]
        found[self.constant] = found[:, self.constant] = 0
        np.fill_diagonal(found, 1.0)
        return found

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Which columns hold one value only."""
        return np.asarray(self.low == self.high)


def measure(source: Source, block: int = 8192, *, crossed: bool = False) -> Moments:
    """Return the statistics of a source, `crossed` with those of pairs of columns."""
    moments = Moments(crossed=crossed)
    for start in range(0, len(source), block):
        moments.add(source.read(start, start + block))
    return moments
