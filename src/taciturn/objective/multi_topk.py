"""The same error with more codes a row."""

from dataclasses import dataclass, field

from torch import Tensor

from ..core.recipe import check
from ..core.schedules import Schedule
from ..model import Capability, Pass
from .derived_error import DerivedError


@dataclass(frozen=True)
class MultiTopK(DerivedError):
    """The error with each row's k largest codes, ReLU'd, beside that of the codes themselves (Gao et al., 2024).

    With k four times the coding layer's own, a model stays of use with another k than it was trained for.
    """

    k: int
    weight: float | Schedule | str | None = field(default=1 / 8, kw_only=True)

    name = "multi_topk"
    of = frozenset({Capability.RANKED_CODES})

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "k", 1, whole=True)

    def __call__(self, p: Pass) -> Tensor:
        """Return the error of decode(the k largest)."""
        return self.error(p.with_codes(p.pre.top(self.k).relu()))
