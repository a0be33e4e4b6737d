"""From what the encoder offers to what is said."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from ..codes import Codes, Pre
from ..passes import Pass
from ..recipe import Recipe


@dataclass(frozen=True)
class Sparsifier(Recipe):
    """A coding layer's activation. Calling it is inference; `train` differs only where it must."""

    offers: ClassVar[frozenset[str]] = frozenset()  # what terms may need of its codes
    at_work: ClassVar[str] = "not 0"  # which codes count as firing, in words
    transposed: ClassVar[bool] = False  # the decoder is born as the encoder's transpose

    def init(self, n_latents: int) -> nn.Module:
        """Return what it learns, parameters and buffers, saved with the model."""
        return nn.Module()

    @abstractmethod
    def __call__(self, pre: Pre, state: nn.Module) -> Codes:
        """Return the codes that `encode` returns."""

    def train(self, pre: Pre, state: nn.Module) -> Codes:
        """Return the codes of a training batch."""
        return self(pre, state)

    def observe(self, p: Pass, state: nn.Module) -> None:
        """Update the buffers after a training batch's backward, without gradient."""

    def firing(self, codes: Codes) -> Tensor:
        """Return in how many rows each latent is at work [L]."""
        return codes.fired()

    def spread(self, n_in: int, n_out: int) -> float:
        """Return the standard deviation of a layer's initial weights: rows of unit length."""
        return 1 / math.sqrt(n_in)
