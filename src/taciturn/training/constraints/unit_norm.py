"""Dictionary rows of norm 1."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from .constraint import Constraint

PART_NUMBERS = 1 << 22


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """Keep every row of the dictionary at norm 1.

    Otherwise the codes could shrink while the dictionary grows (Bricken et al., 2023).

    Notes
    -----
    The part of the gradient along a row is removed before the optimiser's step. It would only change the row's norm,
    which is reset afterwards, and fill the optimiser's moments with it.

    Examples
    --------
    >>> import torch
    >>> W = torch.tensor([[3.0, 4.0], [0.0, 0.5]])
    >>> UnitNorm().after(W)
    >>> W
    tensor([[0.6000, 0.8000],
            [0.0000, 1.0000]])
    """

    name = "unit_norm"

    def before(self, W: Tensor) -> None:
        """Remove from W.grad [L, D] its part along each row of W."""
        if W.grad is None:
            return
        for rows, grad in zip(_parts(W), _parts(W.grad), strict=True):
            grad -= (grad * rows).sum(1, keepdim=True) / rows.square().sum(1, keepdim=True).clamp_min(1e-24) * rows

    def after(self, W: Tensor) -> None:
        """Scale each row of W [L, D] to norm 1, in place."""
        for rows in _parts(W):
            rows.copy_(F.normalize(rows, dim=1))


def _parts(W: Tensor) -> tuple[Tensor, ...]:
    """Return rows of a large dictionary in parts, so that intermediate results take little memory beside it."""
    return W.split(max(PART_NUMBERS // W.shape[1], 1)) if W.is_cpu and W.numel() > PART_NUMBERS else (W,)
