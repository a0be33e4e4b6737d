"""L0: the mean number of active latents per row."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..model import Capability, Pass
from .count import CountTerm, mean_l0


@dataclass(frozen=True)
class L0(CountTerm):
    """The penalty on the mean number of active latents per row, with the coding layer's surrogate gradient.

    Parameters
    ----------
    l0 : float, greater than 0, optional
        A target. With it the penalty is (L0 / l0 - 1)² instead of L0, and the weight is adjusted by default.
    weight : float or Schedule, 0 or more, or "auto", optional
        See Term; None is "auto" with `l0`, else 1.

    Notes
    -----
    The quadratic (Rajamanoharan et al., 2024) has a gradient that falls to 0 at the target; L0 itself has a constant
    one, which only the weight can balance.

    Examples
    --------
    >>> L0(8).text, L0(weight=0.01).text
    ('l0:l0=8', 'l0:weight=0.01')
    """

    l0: float | None = None

    name = "l0"
    aim_offset = 0.02

    @property
    def requires(self) -> frozenset[Capability]:  # type: ignore[override]
        """An L0 gradient."""
        return frozenset({Capability.L0_GRADIENT})

    def __call__(self, p: Pass) -> Tensor:
        """Return L0, or (L0 / l0 - 1)²."""
        return self._cost(mean_l0(p), 1.0)

    def penalised(self, p: Pass, aim: float) -> Tensor:
        """Return (L0 / (aim · l0) - 1)² of the clean rows."""
        return self._cost(mean_l0(p.clean), aim)

    def _cost(self, count: Tensor, aim: float) -> Tensor:
        return count if self.l0 is None else torch.square(count / (aim * self.l0) - 1)
