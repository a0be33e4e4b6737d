"""Entries set to 0, the kept ones made up for it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.recipe import check
from ..core.schedules import final
from ..kernels.native import draw_noise
from .corruption import Amount, Corruption, Keys, chosen


@dataclass(frozen=True)
class Dropout(Corruption):
    """Set each entry to 0 with probability `rate`, and divide the kept ones by 1 - rate: the mean stays.

    The textbook's `tf.nn.dropout` with keep_prob = 1 - rate (Srivastava et al., 2014). 0 ≤ rate < 1.
    Without the division it is `Masking`.

    Examples
    --------
    >>> Dropout(0.5)(torch.ones(1, 8), torch.Generator().manual_seed(0)).unique()
    tensor([0., 2.])
    """

    rate: Amount

    name = "dropout"

    def __post_init__(self) -> None:
        check(self, "rate", 0, 1, "[)")

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x · [kept] / (1 - rate)."""
        return x.masked_fill(chosen(x, self.rate, rng), 0) / (1 - final(self.rate))

    def draw_compiled(self, x: Tensor, keys: Keys, block: int) -> Tensor | None:
        """Return x · [kept] / (1 - rate) by compiled code, where there is any."""
        return draw_noise(x, keys, block, amount=final(self.rate), dropout=True)
