"""Directions of length 1."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from .constraint import Constraint


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """Hold every row of the dictionary at length 1: no codes shrink while the dictionary grows (Bricken et al., 2023).

    The gradient's part along a row is removed before the optimiser's step: it would only change the length, and fill
    the optimiser's moments with what is undone.
    """

    name = "unit_norm"

    def before(self, W: Tensor) -> None:
        """Remove from W.grad what lies along each row."""
        if W.grad is not None:
            W.grad -= (W.grad * W).sum(1, keepdim=True) / W.square().sum(1, keepdim=True).clamp_min(1e-24) * W

    def after(self, W: Tensor) -> None:
        """Set each row to length 1."""
        W.copy_(F.normalize(W, dim=1))
