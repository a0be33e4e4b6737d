"""The number of latents at work."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..model import Capability, Pass
from .count import CountTerm, mean_l0


@dataclass(frozen=True)
class L0(CountTerm):
    """The mean number of latents at work in a row, by the coding layer's own surrogate gradient.

    With `l0` the quadratic (L0 / l0 - 1)² instead (Rajamanoharan et al., 2024): its gradient falls to nothing at the
    target, where that of the plain number must be balanced by the weight alone.
    """

    l0: float | None = None

    name = "l0"
    offset = 0.02

    @property
    def requires(self) -> frozenset[Capability]:  # type: ignore[override]
        """A gate with a gradient."""
        return frozenset({Capability.L0_GRADIENT})

    def __call__(self, p: Pass) -> Tensor:
        """Return L0, or (L0 / l0 - 1)²."""
        return self._cost(mean_l0(p), 1.0)

    def penalised(self, p: Pass, aim: float) -> Tensor:
        """Return (L0 / (aim · l0) - 1)² of the clean rows."""
        return self._cost(mean_l0(p.clean), aim)

    def _cost(self, count: Tensor, aim: float) -> Tensor:
        return count if self.l0 is None else torch.square(count / (aim * self.l0) - 1)
