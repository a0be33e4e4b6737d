"""One batch's trip through the house, as every term may read it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..core.seeds import generator
from ..core.world import World
from .codes import Codes, PreActivations


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows as the step wants them, scaled; `seen is x` where nothing was corrupted."""

    x: Tensor  # [B, D] clean rows
    target: Tensor  # [B, D] what to reconstruct: x itself, or the partner that the user gave
    corrupted: Tensor  # [B, D] x after corruption
    draw_key: tuple[int, int] = (0, 0)  # (seed, step): for a term that draws, the same on every process

    def rng(self, purpose: str) -> torch.Generator:
        """Return the generator of this moment, for a purpose."""
        return generator(self.draw_key[0], purpose, self.draw_key[1])


class Model(Protocol):
    """What a pass asks of a model."""

    @property
    def coder(self) -> nn.Module:
        """What the sparsifier has learnt."""
        ...

    @property
    def world(self) -> World:
        """Who else holds rows and latents."""
        ...

    @property
    def dictionary(self) -> nn.Parameter:
        """[L, …]: what each latent adds to the decoder's first layer."""
        ...

    def pre_and_codes(
        self, x: Tensor, say: Callable[[PreActivations, nn.Module], Codes]
    ) -> tuple[PreActivations, Codes]:
        """Return what the encoder offers for scaled rows, and what a coding layer says of it."""
        ...

    def refined_pre(self, x: Tensor) -> PreActivations:
        """Return what the encoder offers to the coding layer for scaled rows."""
        ...

    def activate(self, pre: Tensor) -> Tensor:
        """Return the coding layer's activation of any pre-activations, where it looks at each alone."""
        ...

    def margin(self, pre: Tensor) -> Tensor:
        """Return by how much any pre-activations exceed where their latents begin to speak."""
        ...

    def shift_biases(self, shift: Tensor) -> None:
        """Let latents speak the more readily, by [L] or [1] in units of pre-activations."""
        ...

    def decode(self, codes: Codes, *, frozen: bool = False) -> Tensor:
        """Return the reconstruction before the output activation [B, D]; `frozen`: no gradient to the decoder."""
        ...

    def decode_linear(self, codes: Codes) -> Tensor:
        """Return what codes add to the decoder's first layer [B, …]."""
        ...

    def output(self, logits: Tensor) -> Tensor:
        """Return the output activation's value [B, D]."""
        ...

    def output_gradient(self, recon: Tensor, up: Tensor) -> Tensor:
        """Return a gradient in the logits for one in the reconstruction [B, D]."""
        ...


@dataclass(frozen=True, eq=False)
class Pass:
    """Everything that one batch says and sees on its way; what costs is computed only when asked for."""

    model: Model
    batch: Batch
    coding_layer: Any  # the coding layer, as it is at this step
    pre: PreActivations
    codes: Codes
    logits: Tensor  # [B, D] before the output activation: cross-entropy is safe only from here
    inactive_rows: Tensor  # [L]: the rows that a latent has been silent for

    @cached_property
    def recon(self) -> Tensor:
        """[B, D]: the reconstruction, scaled as the rows are."""
        return self.model.output(self.logits)

    @property
    def n_rows(self) -> int:
        """The global batch's rows."""
        return self.codes.n_rows * self.model.world.rows.size

    @property
    def n_latents(self) -> int:
        """The whole dictionary's latents."""
        return self.codes.n_latents * self.model.world.latents.size

    @cached_property
    def mean_activation(self) -> Tensor:
        """[L]: each latent's mean code over the global batch, its rate."""
        return self.model.world.rows.sum(self.codes.sum()) / self.n_rows

    @property
    def clean(self) -> "Pass":
        """The same trip of the rows before corruption, up to the codes, which is what `encode` will return."""
        # a pass that remembered itself would keep its batch until Python looks for cycles
        return self if self.batch.corrupted is self.batch.x else self._clean

    @cached_property
    def _clean(self) -> "Pass":
        pre, codes = self.model.pre_and_codes(self.batch.x, self.coding_layer.training_codes)
        return replace(self, batch=replace(self.batch, corrupted=self.batch.x), pre=pre, codes=codes)

    def with_codes(self, codes: Codes, *, frozen: bool = False) -> "Pass":
        """Return the same trip with other codes, decoded afresh; `frozen`: by a decoder that gets no gradient."""
        return replace(self, codes=codes, logits=self.model.decode(codes, frozen=frozen))

    def mean(self, of_rows: Tensor) -> Tensor:
        """Return the global batch's mean of numbers of its rows [B] or [B, …]: the only reduction over rows."""
        rows = self.model.world.rows
        return rows.sum(of_rows.sum()) / (of_rows.numel() * rows.size)

    def sum(self, per_latent_L: Tensor) -> Tensor:
        """Return the whole dictionary's sum of one number a latent: the only reduction over latents."""
        return self.model.world.latents.sum(per_latent_L.sum())
