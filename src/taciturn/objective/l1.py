"""The lasso's penalty."""

from dataclasses import dataclass, field

from torch import Tensor

from ..model import Pass
from .count import CountTerm, mean_per_row
from .term import Number


@dataclass(frozen=True)
class L1(CountTerm):
    """The mean over rows of Σ_l |code_l|: the lasso's penalty (Tibshirani, 1996) on the codes.

    `scaled`: of Σ_l |code_l| ‖W_l‖ with the dictionary's rows W_l, so that small codes with long rows win nothing
    (Conerly et al., 2024). Gated layers are pressed on their proposals. `l0`: see CountTerm.
    """

    scaled: bool = field(default=False, kw_only=True)

    name = "l1"
    dictionary_text = "l1:l0={k}"

    @property
    def has_gradient(self) -> bool:  # type: ignore[override]  # the lengths of the dictionary's rows have a gradient too
        """Whether only the codes count."""
        return not self.scaled

    def value_and_gradient(self, p: Pass, weight: Number = 1.0, aim: Number = 1.0) -> tuple[Tensor, Tensor]:
        """Return the penalty, and weight/B sign(code)."""
        return self(p), p.codes.values.sign().mul_(weight / p.n_rows)

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/B Σ_b Σ_l |code| ‖W_l‖."""
        size = p.codes.abs_values
        if self.scaled:
            size = size * p.codes.at(p.model.dictionary.norm(dim=1))
        return mean_per_row(p, size)
