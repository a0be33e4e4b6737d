"""Missing: entries that enter as missing values do."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .amounts import Amount, check_amount
from .corruption import Corruption, random_mask


@dataclass(frozen=True)
class Missing(Corruption):
    """Make each entry missing with probability `rate`: it enters as its column's mean, as missing values (NaN) do.

    A model that is trained with it learns to impute. In standardised rows it is `masking`.

    Parameters
    ----------
    rate : float, Schedule or Uniform
        Probability that an entry is made missing, in [0, 1].

    Examples
    --------
    >>> Missing(1.0)(torch.ones(1, 2), torch.Generator().manual_seed(0))
    tensor([[nan, nan]])
    """

    rate: Amount

    name = "missing"
    makes_missing = True

    def __post_init__(self) -> None:
        check_amount(self, "rate", 0, 1)

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x with NaN for the entries that are missing now."""
        return self.by_variable(x, rng, None)

    def by_variable(self, x: Tensor, rng: torch.Generator, variables: Tensor | None) -> Tensor:
        """Return the same with a variable's columns replaced together."""
        return x.masked_fill(random_mask(x, self.rate, rng, variables), math.nan)
