"""Rows drawn at random, on which a model is initialised and measured."""

import numpy as np
import torch
from numpy.typing import NDArray

RUN_ROWS = 64  # neighbouring rows of streamed ones that are drawn together


def sample_indices(n: int, size: int, rng: torch.Generator, *, streamed: bool) -> NDArray[np.int64]:
    """Return the numbers of rows drawn at random without replacement, ascending.

    Parameters
    ----------
    n : int
        Number of all rows.
    size : int
        How many rows are drawn, at most; n at most are.
    rng : torch.Generator
        What they are drawn with.
    streamed : bool
        Whether rows are streamed: then runs of up to 64 neighbouring rows are drawn, at 64 places or more, in memory
        for the runs and not for all rows.

    Returns
    -------
    array of int64 [size]

    Examples
    --------
    >>> sample_indices(5, 9, torch.Generator(), streamed=False).tolist()
    [0, 1, 2, 3, 4]
    """
    if not streamed or size >= n:
        indices: NDArray[np.int64] = torch.randperm(n, generator=rng)[:size].sort().values.numpy()
        return indices
    run = max(min(RUN_ROWS, size // RUN_ROWS), 1)
    runs = torch.randperm(n // run, generator=rng)[: -(-size // run)].sort().values.numpy()
    return (runs[:, None] * run + np.arange(run)).reshape(-1)[:size]
