"""The order of rows within an epoch, a pure function of (seed, epoch): of all rows, or within windows of blocks."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.seeds import generator


def permutation(n: int, seed: int, epoch: int) -> Tensor:
    """Return the order of n rows in memory in an epoch: a permutation of their numbers.

    Examples
    --------
    >>> permutation(4, 0, epoch=1).sort().values.tolist()
    [0, 1, 2, 3]
    """
    return torch.randperm(n, generator=generator(seed, "order", epoch))


@dataclass(frozen=True, eq=False)
class WindowOrder:
    """The order of streamed rows in an epoch: blocks are shuffled, and then rows within windows of blocks.

    All blocks of all shards are put into a random order. Successive blocks form a window, and the rows of each window
    are put into a random order. Every row is in exactly one window, whatever position the epoch is started at.

    Parameters
    ----------
    blocks : array of int64 [n_blocks + 1]
        Bounds of the blocks of rows that are read as a whole, from 0 to N, ascending.
    window : int
        The number of rows of a window, ≥ 1. A block belongs to the window in which its first row lies, so that a window
        has up to one block more.
    seed, epoch : int
        What the order depends on, with `blocks` and `window`.

    Notes
    -----
    It takes memory for the blocks and for the rows of one window, not for all rows. A block's place is uniform, so
    that a row moves as far as in a full shuffle. Rows of one block stay within one window: two of them are in the same
    batch of B rows with a probability of about B / window instead of B / N.

    Examples
    --------
    >>> order = WindowOrder(np.array([0, 3, 6, 8]), window=4, seed=0, epoch=0)
    >>> sorted(row for window in range(order.n_windows) for row in order.rows(window).tolist())
    [0, 1, 2, 3, 4, 5, 6, 7]
    """

    blocks: NDArray[np.int64]
    window: int
    seed: int
    epoch: int

    @property
    def n_windows(self) -> int:
        """The number of windows."""
        return len(self.bounds) - 1

    @property
    def bounds(self) -> NDArray[np.int64]:
        """Positions in the epoch at which windows begin, and N after them [n_windows + 1]."""
        return self._before[self._first_blocks]

    def blocks_in(self, window: int) -> NDArray[np.int64]:
        """Return the bounds (start, stop) in the source of a window's blocks, in the order in which it holds them."""
        first, last = self._first_blocks[window : window + 2]
        blocks = self._order[first:last]
        return np.stack([self.blocks[blocks], self.blocks[blocks + 1]], axis=1)

    def shuffled(self, window: int) -> NDArray[np.int64]:
        """Return the order of a window's rows, as numbers in the concatenation of its blocks."""
        start, stop = self.bounds[window : window + 2].tolist()
        rng = generator(self.seed, "window", self.epoch, window)
        order: NDArray[np.int64] = torch.randperm(stop - start, generator=rng).numpy()
        return order

    def rows(self, window: int) -> NDArray[np.int64]:
        """Return the numbers in the source of a window's rows, in the order in which the epoch has them."""
        blocks = self.blocks_in(window)
        return np.concatenate([np.arange(start, stop) for start, stop in blocks])[self.shuffled(window)]

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """The blocks' numbers in the order of the epoch."""
        rng = generator(self.seed, "blocks", self.epoch)
        order: NDArray[np.int64] = torch.randperm(len(self.blocks) - 1, generator=rng).numpy()
        return order

    @cached_property
    def _before(self) -> NDArray[np.int64]:
        """The number of rows before each block in the order of the epoch, and that of all rows."""
        return np.concatenate([[0], np.diff(self.blocks)[self._order].cumsum()])

    @cached_property
    def _first_blocks(self) -> NDArray[np.int64]:
        """The place in `_order` of each window's first block, and the number of blocks."""
        _, first = np.unique(self._before[:-1] // self.window, return_index=True)
        return np.append(first, len(self._order))
