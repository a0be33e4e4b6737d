"""Noise in blocks of rows, each block with a random generator of its own."""

import numpy as np
from torch import Tensor

from ..core.seeds import keys
from .corruption import Corruption

BLOCK = 64  # rows that share one generator of noise


def corrupted(
    x: Tensor, corruption: Corruption, *, seed: int, purpose: str, step: int = 0, first_row: int = 0
) -> Tensor:
    """Return corrupted rows.

    Parameters
    ----------
    x : Tensor [B, D]
        Scaled rows; they are not changed.
    corruption : Corruption
        The noise.
    seed : int
        Seed of the noise.
    purpose : str
        What the noise is for; noises for different purposes are independent.
    step : int, default=0
        Number of the step; noises of different steps are independent.
    first_row : int, default=0
        Position of x[0] among all rows, a multiple of BLOCK.

    Returns
    -------
    Tensor [B, D]
        x itself, if the corruption changes nothing.

    Notes
    -----
    Each block of 64 rows has a generator whose key is (seed, purpose, step, block). So the noise is the same for any
    number of threads or processes, and for any split of the rows at multiples of a block. It differs between a CPU and
    a GPU.

    Examples
    --------
    >>> import torch
    >>> from taciturn.corruption import Gaussian
    >>> x = torch.zeros(128, 3)
    >>> whole = corrupted(x, Gaussian(1.0), seed=0, purpose="evaluate")
    >>> torch.equal(whole[64:], corrupted(x[64:], Gaussian(1.0), seed=0, purpose="evaluate", first_row=64))
    True
    """
    if corruption.clean:
        return x
    blocks = first_row // BLOCK + np.arange(block_count(len(x)))
    return corruption.in_blocks(x, keys(seed, purpose, step, blocks), BLOCK)


def block_count(n_rows: int) -> int:
    """Return the number of blocks of `n_rows` rows, at least one.

    Parameters
    ----------
    n_rows : int
        Number of rows, ≥ 0.

    Returns
    -------
    int

    Examples
    --------
    >>> [block_count(n) for n in (0, 64, 65)]
    [1, 1, 2]
    """
    return max(-(-n_rows // BLOCK), 1)
