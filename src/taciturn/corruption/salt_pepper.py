"""Salt-and-pepper noise: entries set to the lowest or the highest value."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.recipe import check
from .amounts import Amount, check_amount
from .corruption import Corruption, random_mask


@dataclass(frozen=True)
class SaltPepper(Corruption):
    """Set each entry with probability `rate` to `low` or `high`, each equally likely (Vincent et al., 2010).

    Parameters
    ----------
    rate : float, Schedule or Uniform
        Probability that an entry is changed, in [0, 1].
    low, high : float, default=0.0, 1.0
        The two values, in the units of the scaled rows.

    Examples
    --------
    >>> SaltPepper(1.0)(torch.full((1, 8), 0.5), torch.Generator().manual_seed(0)).unique()
    tensor([0., 1.])
    """

    rate: Amount
    low: float = 0.0
    high: float = 1.0

    name = "salt_pepper"
    numbers_only = True

    def __post_init__(self) -> None:
        check_amount(self, "rate", 0, 1)
        check(self, "low")
        check(self, "high")

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x with some entries set to `low` or `high`."""
        changed = random_mask(x, self.rate, rng)
        salt = random_mask(x, 0.5, rng)
        return x.masked_fill(changed & salt, self.high).masked_fill(changed & ~salt, self.low)
