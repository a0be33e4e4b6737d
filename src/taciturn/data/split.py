"""The split into training rows and held-out rows."""

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.seeds import generator


def split(n: int, fraction: float, seed: int, purpose: str = "split") -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices of the training rows and of the held-out rows, drawn at random.

    Parameters
    ----------
    n : int
        Number of rows, 2 or more.
    fraction : float
        Share of the rows to hold out, 0 … 1. At least one row is held out, and at least one is not.
    seed : int
        The same seed gives the same split.
    purpose : str, default="split"
        Passed to `core.seeds.generator`: another purpose gives another split.

    Returns
    -------
    training, held_out : arrays of int
        Sorted indices; each of the n rows is in one of them.

    Examples
    --------
    >>> training, held_out = split(10, 0.2, seed=0)
    >>> len(training), len(held_out)
    (8, 2)
    """
    n_held_out = min(max(1, round(fraction * n)), n - 1)
    order = torch.randperm(n, generator=generator(seed, purpose)).numpy()
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])
