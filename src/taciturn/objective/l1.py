"""L1: the mean over rows of the sum of absolute codes."""

from dataclasses import dataclass, field

from torch import Tensor

from ..model import Pass
from .count import CountTerm, mean_per_row
from .term import Number


@dataclass(frozen=True)
class L1(CountTerm):
    """The penalty 1/B Σ_b Σ_l |code_bl|, the lasso's (Tibshirani, 1996) on the codes.

    Parameters
    ----------
    l0 : float, greater than 0, optional
        A target for the mean number of active latents per row; see CountTerm.
    scaled : bool, default=False
        Penalise |code_bl| ‖W_l‖ instead, with the dictionary's rows W_l, so that small codes with long rows gain
        nothing (Conerly et al., 2024).
    weight : float or Schedule, 0 or more, or "auto", optional
        See Term; None is "auto" with `l0`, else 1.

    Notes
    -----
    For Gated layers the gate activations are penalised instead of the codes.

    Examples
    --------
    >>> L1(l0=8).text, L1(scaled=True, weight=0.01).text
    ('l1:l0=8', 'l1:weight=0.01,scaled=true')
    """

    scaled: bool = field(default=False, kw_only=True)

    name = "l1"
    dictionary_text = "l1:l0={k}"

    @property
    def has_gradient(self) -> bool:  # type: ignore[override]  # the norms of the dictionary's rows have a gradient too
        """Whether `value_and_gradient` is implemented: not with `scaled`."""
        return not self.scaled

    def value_and_gradient(self, p: Pass, weight: Number = 1.0, aim: Number = 1.0) -> tuple[Tensor, Tensor]:
        """Return the penalty, and weight/B sign(code) [B, L]; of gate activations, if there are."""
        return self(p), p.codes.penalised.sign().mul_(weight / p.n_rows)

    def __call__(self, p: Pass) -> Tensor:
        """Return 1/B Σ_b Σ_l |code|, times ‖W_l‖ with `scaled`."""
        size = p.codes.abs_values
        if self.scaled:
            size = size * p.codes.per_entry(p.model.dictionary.norm(dim=1))
        return mean_per_row(p, size)
