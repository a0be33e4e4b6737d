"""Noise in blocks of rows, each drawn by a generator of its own."""

import numpy as np
from torch import Tensor

from ..core.seeds import keys
from .corruption import Corruption

BLOCK = 64  # rows that share one generator of noise


def corrupted(
    x: Tensor, corruption: Corruption, *, seed: int, purpose: str, step: int = 0, first_row: int = 0
) -> Tensor:
    """Return the rows as the network sees them; x itself under no corruption.

    Noise is drawn in blocks of rows keyed by (seed, purpose, step, block): the same on any number of threads or
    processes, and for any split of the rows at multiples of a block, but not on another kind of device; `first_row` is
    where x begins.
    """
    if corruption.clean:
        return x
    numbers = first_row // BLOCK + np.arange(block_count(len(x)))
    return corruption.in_blocks(x, keys(seed, purpose, step, numbers), BLOCK)


def block_count(n_rows: int) -> int:
    """Return how many blocks rows fall into; one, if there are none."""
    return max(-(-n_rows // BLOCK), 1)
