"""MultiTopK: the same error with more codes per row."""

from dataclasses import dataclass, field

from torch import Tensor

from ..core.recipe import check
from ..core.schedules import Schedule
from ..model import Capability, Pass
from .derived_error import DerivedError


@dataclass(frozen=True)
class MultiTopK(DerivedError):
    """The error with each row's k largest codes, in addition to the error of the codes themselves (Gao et al., 2024).

    With k four times the coding layer's own k, the model can be used with another k than it was trained for.

    Parameters
    ----------
    k : int, at least 1
        Codes per row; a k above the number of latents takes all.
    error : Term, default=SquaredError()
        See DerivedError.
    weight : float or Schedule, 0 or more, default=1/8
        See Term.

    Examples
    --------
    >>> MultiTopK(128).text, MultiTopK(128).fixed_weight
    ('multi_topk:128', 0.125)
    """

    k: int
    weight: float | Schedule | str | None = field(default=1 / 8, kw_only=True)

    name = "multi_topk"
    codes_require = frozenset({Capability.RANKED_CODES})

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "k", 1, whole=True)

    def __call__(self, p: Pass) -> Tensor:
        """Return the error of decode(max(z, 0) of each row's k largest z)."""
        return self.error(p.with_codes(p.pre.top(self.k).relu()))
