"""The interface of constraints, and the constraint that does nothing."""

from dataclasses import dataclass

from torch import Tensor

from ...core.recipe import Recipe


@dataclass(frozen=True)
class Constraint(Recipe):
    """A rule for the dictionary, applied before and after each step of the optimiser, without gradient."""

    def before(self, W: Tensor) -> None:
        """Change the gradient W.grad of the dictionary W [L, D] before the optimiser's step; by default nothing."""

    def after(self, W: Tensor) -> None:
        """Change the dictionary W [L, D] in place after the optimiser's step; by default nothing."""


@dataclass(frozen=True)
class Free(Constraint):
    """No constraint."""

    name = "free"
