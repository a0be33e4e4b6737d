"""Dropout: entries set to 0, and the other entries scaled up."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.schedules import final
from ..core.uniform import Uniform
from ..kernels.native import draw_noise
from .amounts import Amount, check_amount, drawn
from .corruption import Corruption, Keys, random_mask


@dataclass(frozen=True)
class Dropout(Corruption):
    """Set each entry to 0 with probability `rate`, and divide the others by 1 - rate, so that the mean stays.

    Without the division it is `Masking`.

    Parameters
    ----------
    rate : float, Schedule or Uniform
        Probability that an entry is set to 0, in [0, 1).

    Notes
    -----
    The textbook's `tf.nn.dropout` with keep_prob = 1 - rate (Srivastava et al., 2014).

    Examples
    --------
    >>> Dropout(0.5)(torch.ones(1, 8), torch.Generator().manual_seed(0)).unique()
    tensor([0., 2.])
    """

    rate: Amount

    name = "dropout"

    def __post_init__(self) -> None:
        check_amount(self, "rate", 0, 1, "[)")

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x · [not dropped] / (1 - rate)."""
        return self.by_variable(x, rng, None)

    def by_variable(self, x: Tensor, rng: torch.Generator, variables: Tensor | None) -> Tensor:
        """Return the same with a variable's columns replaced together."""
        rate = drawn(self.rate, x, rng)
        kept = x.masked_fill(random_mask(x, rate, rng, variables), 0)
        return kept / (1 - (rate.to(x.device) if isinstance(rate, Tensor) else rate))

    def draw_compiled(self, x: Tensor, keys: Keys, block: int) -> Tensor | None:
        """Return x · [not dropped] / (1 - rate) by compiled code; None where it is not available."""
        if isinstance(self.rate, Uniform):
            return None
        return draw_noise(x, keys, block, amount=final(self.rate), dropout=True)
