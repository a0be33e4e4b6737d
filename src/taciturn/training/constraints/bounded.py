"""Dictionary rows of norm 1 or less."""

from dataclasses import dataclass

from torch import Tensor

from .constraint import Constraint


@dataclass(frozen=True)
class Bounded(Constraint):
    """Scale every row of the dictionary whose norm exceeds 1 down to norm 1; shorter rows stay as they are.

    Notes
    -----
    The projection of classical dictionary learning (Mairal et al., 2009).

    Examples
    --------
    >>> import torch
    >>> W = torch.tensor([[3.0, 4.0], [0.0, 0.5]])
    >>> Bounded().after(W)
    >>> W
    tensor([[0.6000, 0.8000],
            [0.0000, 0.5000]])
    """

    name = "bounded"

    def after(self, W: Tensor) -> None:
        """Scale rows of W [L, D] whose norm exceeds 1 to norm 1, in place."""
        W.div_(W.norm(dim=1, keepdim=True).clamp_min(1))
