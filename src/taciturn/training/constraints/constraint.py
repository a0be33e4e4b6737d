"""What holds for the dictionary around the optimiser's step."""

from dataclasses import dataclass

from torch import Tensor

from ...core.recipe import Recipe


@dataclass(frozen=True)
class Constraint(Recipe):
    """Sees the dictionary [L, D] before and after each step of the optimiser, without gradient."""

    def before(self, W: Tensor) -> None:
        """Change W.grad in place."""

    def after(self, W: Tensor) -> None:
        """Change W in place."""


@dataclass(frozen=True)
class Free(Constraint):
    """Hold nothing."""

    name = "free"
