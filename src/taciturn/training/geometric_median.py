"""The geometric median of rows, a centre that outliers hardly move."""

from torch import Tensor


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
    x = x.double()
    median = x.mean(0)
    for _ in range(rounds):
        weights = 1 / (x - median).norm(dim=1).clamp_min(1e-9)
        moved = weights @ x / weights.sum()
        converged = (moved - median).norm() <= tol * median.norm()
        median = moved
        if converged:
            break
    return median
