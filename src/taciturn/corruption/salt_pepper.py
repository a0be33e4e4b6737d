"""Entries set to the darkest or the brightest value."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.recipe import check
from .corruption import Amount, Corruption, chosen


@dataclass(frozen=True)
class SaltPepper(Corruption):
    """Set each entry with probability `rate` to `low` or `high`, by a fair coin (Vincent et al., 2010).

    `low` and `high` are in the units of the scaled rows. 0 ≤ rate ≤ 1.

    Examples
    --------
    >>> SaltPepper(1.0)(torch.full((1, 8), 0.5), torch.Generator().manual_seed(0)).unique()
    tensor([0., 1.])
    """

    rate: Amount
    low: float = 0.0
    high: float = 1.0

    name = "salt_pepper"

    def __post_init__(self) -> None:
        check(self, "rate", 0, 1)
        check(self, "low")
        check(self, "high")

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x with salt and pepper."""
        hit = chosen(x, self.rate, rng)
        salt = chosen(x, 0.5, rng)
        return x.masked_fill(hit & salt, self.high).masked_fill(hit & ~salt, self.low)
