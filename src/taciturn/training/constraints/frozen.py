"""Directions that stay as they were drawn."""

from dataclasses import dataclass

from torch import Tensor

from .constraint import Constraint


@dataclass(frozen=True)
class Frozen(Constraint):
    """Leave the dictionary as it was drawn, at random: what a score is to be compared with.

    Of what a dictionary seems to have learnt, its frozen twin often has much already; only the rest was found in the
    rows (Korznikov et al., 2026).
    """

    name = "frozen"

    def before(self, W: Tensor) -> None:
        """Drop the gradient."""
        W.grad = None
