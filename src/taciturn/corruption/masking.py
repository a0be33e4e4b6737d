"""Masking noise: entries set to 0."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .amounts import Amount, check_amount
from .corruption import Corruption, random_mask


@dataclass(frozen=True)
class Masking(Corruption):
    """Set each entry to 0 with probability `rate`; the others stay as they are (Vincent et al., 2008).

    In standardised rows 0 is the column's mean.

    Parameters
    ----------
    rate : float, Schedule or Uniform
        Probability that an entry is set to 0, in [0, 1].

    Examples
    --------
    >>> Masking(0.5)(torch.ones(1, 8), torch.Generator().manual_seed(0)).unique()
    tensor([0., 1.])
    """

    rate: Amount

    name = "masking"

    def __post_init__(self) -> None:
        check_amount(self, "rate", 0, 1)

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x · [not masked]."""
        return self.by_variable(x, rng, None)

    def by_variable(self, x: Tensor, rng: torch.Generator, variables: Tensor | None) -> Tensor:
        """Return the same with a variable's columns replaced together."""
        return x.masked_fill(random_mask(x, self.rate, rng, variables), 0)
