"""Where a data set's middle is."""

from torch import Tensor


def geometric_median(x: Tensor, *, rounds: int = 50, tol: float = 1e-6) -> Tensor:
    """Return the point [D] with the least sum of distances to rows x [N, D] (Weiszfeld, 1937), in float64.

    The mean but for outliers: a few loud rows do not move it.

    Examples
    --------
    >>> import torch
    >>> geometric_median(torch.tensor([[0.0], [0.0], [0.0], [100.0]])).abs().item() < 1e-3
    True
    """
    x = x.double()
    middle = x.mean(0)
    for _ in range(rounds):
        near = 1 / (x - middle).norm(dim=1).clamp_min(1e-9)
        moved = near @ x / near.sum()
        done = (moved - middle).norm() <= tol * middle.norm()
        middle = moved
        if done:
            break
    return middle
