"""A dictionary that is not trained."""

from dataclasses import dataclass

from torch import Tensor

from .constraint import Constraint


@dataclass(frozen=True)
class Frozen(Constraint):
    """Keep the dictionary at its random initial values, as a baseline for the scores of a trained one.

    Notes
    -----
    A model with a frozen dictionary often reaches much of a trained one's score. Only the difference comes from
    training (Korznikov et al., 2026).
    """

    name = "frozen"

    def before(self, W: Tensor) -> None:
        """Remove the gradient of W, so that the optimiser leaves W as it is."""
        W.grad = None
