"""Poisson noise: that of counted events, such as photons."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.errors import DataError
from ..core.schedules import final
from ..core.uniform import Uniform
from .amounts import Amount, check_amount, drawn
from .corruption import Corruption


@dataclass(frozen=True)
class Poisson(Corruption):
    """Replace each entry x ≥ 0 by Poisson(peak · x) / peak: its mean stays x, and its variance is x / peak.

    The noise of counted events: photons of a pixel, words of a document, molecules of a cell.

    Parameters
    ----------
    peak : float, Schedule or Uniform
        Expected count of an entry of 1, > 0; of an image, the photons of a white pixel. "poisson:peak=uniform(5,100)"
        draws one for each row. For rows that are counts themselves, "poisson:1".

    Raises
    ------
    DataError
        A scaled row has an entry below 0, when it is corrupted.

    Notes
    -----
    With λ = peak · x, P(n) = λⁿ exp(-λ) / n!. Shot noise of a camera; see Foi et al. (2008), who join it with Gaussian
    noise of the electronics: "poisson:100+gaussian:0.02".

    Examples
    --------
    >>> white = torch.ones(1000, 50)
    >>> noisy = Poisson(25)(white, torch.Generator().manual_seed(0))
    >>> round(noisy.mean().item(), 2), round(noisy.std().item(), 2)
    (1.0, 0.2)
    """

    peak: Amount

    name = "poisson"
    numbers_only = True

    def __post_init__(self) -> None:
        check_amount(self, "peak", 0, math.inf, "()")

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return Poisson(peak · x) / peak."""
        if bool((x < 0).any()):
            raise DataError(
                f"{self.text} needs scaled rows of 0 or more, but one has {float(x.nan_to_num(0.0).min()):.4g}; "
                "put it before other noise, or set scaling='none' or 'range', or corruption='gaussian:0.1'"
            )
        peak = drawn(self.peak, x, rng)
        peak = peak.to(x.device) if isinstance(peak, Tensor) else peak
        known = x.nan_to_num(0.0)
        counts = torch.poisson((known * peak).to(rng.device), generator=rng).to(x.device)
        return torch.where(x.isnan(), x, counts / peak)

    def noise_levels(self, brightness: float) -> tuple[float, float]:
        """Return √(brightness / peak), for the highest and the lowest peak."""
        ends = (self.peak.high, self.peak.low) if isinstance(self.peak, Uniform) else (self.peak, self.peak)
        low, high = (math.sqrt(max(brightness, 0.0) / float(final(peak))) for peak in ends)
        return low, high
