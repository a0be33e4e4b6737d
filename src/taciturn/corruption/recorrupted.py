"""Recorrupted: noisy rows and noisier ones, so that noisy rows alone are enough to learn from."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.errors import RecipeError
from ..core.recipe import check
from .corruption import Corruption, standard_normal


@dataclass(frozen=True)
class Recorrupted(Corruption):
    """Add noise to rows that are noisy themselves, and compare with targets from which the noise was subtracted.

    For rows with Gaussian noise of a known standard deviation, of which no clean ones exist. The noise of input and
    target is independent, so that the network learns what it would learn from clean targets.

    Parameters
    ----------
    std : float or "auto"
        Standard deviation of the rows' own noise in the units of the scaled rows, > 0, the same for all entries.
        "auto": it is estimated from the rows, which are images.
    ratio : float, default=0.5
        Standard deviation of the added noise over `std`, > 0.

    Notes
    -----
    Recorrupted-to-recorrupted (Pang et al., 2021). From a noisy row y = x + n, n ~ N(0, std²), and z ~ N(0, 1):

        input = y + ratio · std · z,    target = y - (std / ratio) · z

    Their noise n + ratio · std · z and n - (std / ratio) · z has covariance std² - std² = 0; as it is Gaussian, it is
    independent. So E |f(input) - target|² = E |f(input) - x|² + std² (1 + 1 / ratio²), for every function f: only the
    gradient's variance is larger than with clean targets. The input is noisier than the row by √(1 + ratio²); `denoise`
    gets the row itself.

    Examples
    --------
    >>> y = torch.zeros(1000, 50)
    >>> noise = Recorrupted(0.1)
    >>> noisier = noise(y, torch.Generator().manual_seed(0))
    >>> round(noisier.std().item(), 3), round(noise.target(y, noisier).std().item(), 2)
    (0.05, 0.2)
    """

    std: float | str
    ratio: float = 0.5

    name = "recorrupted"
    numbers_only = True
    for_noisy_rows = True
    gives_target = True

    def __post_init__(self) -> None:
        if self.std != "auto":
            check(self, "std", 0, math.inf, "()", fixed=True)
        check(self, "ratio", 0, math.inf, "()", fixed=True)

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return y + ratio · std · z."""
        return torch.add(x, standard_normal(x, rng), alpha=self.ratio * self._known_std)

    def target(self, x: Tensor, corrupted: Tensor) -> Tensor:
        """Return y - (std / ratio) · z."""
        return x - (corrupted - x) / self.ratio**2

    def noise_levels(self, brightness: float) -> tuple[float, float]:
        """Return `std` twice: the noise of the rows themselves."""
        return self._known_std, self._known_std

    @property
    def _known_std(self) -> float:
        if isinstance(self.std, str):
            mend = "give a number, as in recorrupted:0.1"
            raise RecipeError(f"{self.text} is estimated from training rows only; {mend}")
        return float(self.std)
