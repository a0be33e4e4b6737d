"""The penalty that makes codes zero."""

from dataclasses import dataclass

from torch import Tensor

from ..passes import Pass
from .term import Term


@dataclass(frozen=True)
class L1(Term):
    """The mean over rows of Σ_l |code_l|: the lasso's penalty (Tibshirani, 1996) on the codes."""

    name = "l1"

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/B Σ_b Σ_l |code|."""
        return p.mean(p.model.world.latents.total(p.codes.l1()))
