"""From what the encoder offers to what is said."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from ...core.recipe import Recipe
from ..capability import Capability
from ..codes import Codes, PreActivations
from ..passes import Pass
from .form import Form


@dataclass(frozen=True)
class CodingLayer(Recipe):
    """A coding layer's activation. Calling it is inference; `train` differs only where it must."""

    provides: ClassVar[frozenset[Capability]] = frozenset()  # what terms may require of its codes
    active_above: ClassVar[float | None] = None  # codes above it count as active; None: all that are not 0
    dictionary_text: ClassVar[str | None] = None  # the usual recipe of a dictionary; see DictionaryAutoencoder
    dictionary_revival: ClassVar[str] = "resample"  # how that dictionary revives dead latents
    transpose_initialised: ClassVar[bool] = False  # the decoder is born as the encoder's transpose
    finalises: ClassVar[bool] = False  # has something to set after training; see close

    @property
    def target_l0(self) -> float | None:
        """How many latents are to be at work in a row; None where it does not say."""
        return None

    def create_state(self, n_latents: int) -> nn.Module:
        """Return what it learns, parameters and buffers, saved with the model."""
        return nn.Module()

    def initialise(self, pre: PreActivations, state: nn.Module) -> None:
        """Take the measure of some rows' pre-activations before the first step, without gradient."""

    @abstractmethod
    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes that `encode` returns."""

    def training_codes(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes of a training batch."""
        return self(pre, state)

    def update(self, p: Pass, state: nn.Module) -> None:
        """Update the buffers after a training batch's backward, without gradient."""

    def finalise(self, pre: PreActivations, state: nn.Module) -> None:
        """Set what inference needs from clean rows that stand for all others, after training, without gradient."""

    def margin(self, pre: Tensor, state: nn.Module) -> Tensor:
        """Return by how much any pre-activations exceed where their latents begin to speak."""
        return pre

    def shift_biases(self, bias_L: Tensor, state: nn.Module, by: Tensor) -> None:
        """Let latents speak the more readily, by [L] or [1] in units of pre-activations, in place."""
        bias_L.add_(by)

    def is_active(self, values: Tensor) -> Tensor:
        """Return which codes count as active, in the shape of `values`."""
        return values != 0 if self.active_above is None else values > self.active_above

    def active_counts(self, codes: Codes) -> Tensor:
        """Return in how many rows each latent is active [L]."""
        return codes.active_counts() if self.active_above is None else self.is_active(codes.dense()).sum(0)

    def form(self, state: nn.Module, n_latents: int) -> Form | None:
        """Return how `encode` computes codes, in numbers; None where none of the forms fits."""
        return None

    def init_std(self, n_in: int, n_out: int) -> float:
        """Return the standard deviation of a layer's initial weights: rows of unit length."""
        return 1 / math.sqrt(n_in)
