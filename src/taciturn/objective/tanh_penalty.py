"""A penalty between L1 and L0."""

from dataclasses import dataclass

from torch import Tensor

from ..core.recipe import check
from ..model import Pass
from .count import CountTerm, mean_per_row


@dataclass(frozen=True)
class TanhPenalty(CountTerm):
    """The mean over rows of Σ_l tanh(steepness · |code_l| ‖W_l‖) (Conerly et al., 2025).

    Near 0 it is L1, far from it it counts: a latent that speaks loudly pays no more than one that is well audible.
    """

    steepness: float = 4.0

    name = "tanh_penalty"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "steepness", 0, ends="(]", fixed=True)

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/B Σ_b Σ_l tanh(steepness |code| ‖W_l‖)."""
        loud = p.codes.abs_values * p.codes.at(p.model.dictionary.norm(dim=1))
        return mean_per_row(p, (self.steepness * loud).tanh())
