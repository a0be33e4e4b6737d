"""Additive Gaussian noise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.recipe import check
from ..core.schedules import final
from ..kernels.native import draw_noise
from .corruption import Amount, Corruption, Keys, standard_normal


@dataclass(frozen=True)
class Gaussian(Corruption):
    """Add Gaussian noise: x + std · N(0, 1).

    Parameters
    ----------
    std : float or Schedule
        Standard deviation of the noise in the units of the scaled rows, ≥ 0.

    Notes
    -----
    The textbook's noise (Géron, 2017), first in Vincent et al. (2010).

    Examples
    --------
    >>> x = torch.zeros(1000, 50)
    >>> noisy = Gaussian(0.4)(x, torch.Generator().manual_seed(0))
    >>> round(noisy.std().item(), 2)
    0.4
    """

    std: Amount

    name = "gaussian"

    def __post_init__(self) -> None:
        check(self, "std", 0)

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x + std · N(0, 1)."""
        return torch.add(x, standard_normal(x, rng), alpha=final(self.std))

    def draw_compiled(self, x: Tensor, keys: Keys, block: int) -> Tensor | None:
        """Return x + std · N(0, 1) by compiled code; None where it is not available."""
        return draw_noise(x, keys, block, amount=final(self.std))
