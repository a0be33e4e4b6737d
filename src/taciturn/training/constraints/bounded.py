"""Directions of length 1 or less."""

from dataclasses import dataclass

from torch import Tensor

from .constraint import Constraint


@dataclass(frozen=True)
class Bounded(Constraint):
    """Shorten every row of the dictionary that has grown beyond length 1: latents may fade, but none shouts.

    The projection of classical dictionary learning (Mairal et al., 2009).
    """

    name = "bounded"

    def after(self, W: Tensor) -> None:
        """Set rows longer than 1 to length 1."""
        W.div_(W.norm(dim=1, keepdim=True).clamp_min(1))
