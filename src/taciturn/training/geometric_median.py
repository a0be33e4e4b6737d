"""The geometric median of rows, a centre that outliers hardly move."""

import torch
from torch import Tensor

WIDE = 4096  # columns; the results for fewer do not depend on the blocks
BLOCK_NUMBERS = 1 << 19


def geometric_median(x: Tensor, *, rounds: int = 50, tol: float = 1e-6) -> Tensor:
    """Return the point with the least sum of distances to the rows of x.

    Outliers move it less than the mean.

    Parameters
    ----------
    x : Tensor [N, D]
        Rows; computed in float64.
    rounds : int, default=50
        Most iterations.
    tol : float, default=1e-6
        The iteration stops when the point moves by no more than this share of its norm.

    Returns
    -------
    Tensor [D], float64

    Notes
    -----
    Weiszfeld's algorithm (1937): m ← Σ x_i / |x_i - m| / Σ 1 / |x_i - m|, started at the mean.

    Examples
    --------
    >>> import torch
    >>> geometric_median(torch.tensor([[0.0], [0.0], [0.0], [100.0]])).abs().item() < 1e-3
    True
    """
    # of wide rows few are in float64 at a time, and once more as differences
    wide = x.shape[1] > WIDE
    blocks = x.split(max(BLOCK_NUMBERS // x.shape[1], 1)) if wide else (x.double(),)
    median = torch.stack([block.double().sum(0) for block in blocks]).sum(0) / len(x)
    for _ in range(rounds):
        moved, total = torch.zeros_like(median), 0.0
        for block in blocks:
            rows = block.double()
            weights = 1 / (rows - median).norm(dim=1).clamp_min(1e-9)
            moved, total = moved + weights @ rows, total + weights.sum()
        moved = moved / total
        converged = (moved - median).norm() <= tol * median.norm()
        median = moved
        if converged:
            break
    return median
