"""Additive Gaussian noise."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.schedules import final
from ..core.uniform import Uniform
from ..kernels.native import draw_noise
from .amounts import Amount, check_amount, drawn
from .corruption import Corruption, Keys, standard_normal


@dataclass(frozen=True)
class Gaussian(Corruption):
    """Add Gaussian noise: x + std · N(0, 1).

    Parameters
    ----------
    std : float, Schedule or Uniform
        Standard deviation of the noise in the units of the scaled rows, ≥ 0. "gaussian:std=uniform(0.02,0.2)" draws
        one for each row.

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
        check_amount(self, "std", 0, math.inf)

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x + std · N(0, 1)."""
        std = drawn(self.std, x, rng)
        if isinstance(std, Tensor):
            return x + std.to(x.device) * standard_normal(x, rng)
        return torch.add(x, standard_normal(x, rng), alpha=std)

    def noise_levels(self, brightness: float) -> tuple[float, float]:
        """Return the least and the greatest `std`."""
        return (self.std.low, self.std.high) if isinstance(self.std, Uniform) else (final(self.std), final(self.std))

    def draw_compiled(self, x: Tensor, keys: Keys, block: int) -> Tensor | None:
        """Return x + std · N(0, 1) by compiled code; None where it is not available."""
        return None if isinstance(self.std, Uniform) else draw_noise(x, keys, block, amount=final(self.std))
