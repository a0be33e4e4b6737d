"""TanhPenalty: a penalty between L1 and L0."""

from dataclasses import dataclass

from torch import Tensor

from ..core.recipe import check
from ..model import Pass
from .count import CountTerm, mean_per_row


@dataclass(frozen=True)
class TanhPenalty(CountTerm):
    """The penalty 1/B Σ_b Σ_l tanh(steepness · |code_bl| ‖W_l‖), with the dictionary's rows W_l (Conerly et al., 2025).

    For small codes it is proportional to L1; for large ones it counts, so that a large code costs hardly more than a
    moderate one.

    Parameters
    ----------
    steepness : float, greater than 0, default=4.0
        The larger, the nearer to a count.
    l0 : float, greater than 0, optional
        A target for the mean number of active latents per row; see CountTerm.
    weight : float or Schedule, 0 or more, or "auto", optional
        See Term; None is "auto" with `l0`, else 1.

    Notes
    -----
    For Gated layers the gate activations are penalised instead of the codes.

    Examples
    --------
    >>> TanhPenalty(2.0, l0=8).text
    'tanh_penalty:steepness=2.0,l0=8'
    """

    steepness: float = 4.0

    name = "tanh_penalty"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "steepness", 0, ends="(]", fixed=True)

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/B Σ_b Σ_l tanh(steepness |code| ‖W_l‖)."""
        size = p.codes.abs_values * p.codes.per_entry(p.model.dictionary.norm(dim=1))
        return mean_per_row(p, (self.steepness * size).tanh())
