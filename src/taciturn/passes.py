"""F3. One batch's trip through the house, as every term may read it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from torch import Tensor, nn

from .codes import Codes, Pre
from .world import World


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows as the step wants them, scaled; `seen is x` where nothing was corrupted."""

    x: Tensor  # [B, D] clean rows
    target: Tensor  # [B, D] what to reconstruct: x itself, or the partner that the user gave
    seen: Tensor  # [B, D] x after corruption


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

    def pre(self, x: Tensor) -> Pre:
        """Return what the encoder offers for scaled rows."""
        ...

    def curve(self, pre: Tensor) -> Tensor:
        """Return the coding layer's activation of any pre-activations, where it looks at each alone."""
        ...

    def shift_codes(self, shift: Tensor) -> None:
        """Add to the coding layer's biases [L] or [1]."""
        ...

    def decode(self, codes: Codes) -> Tensor:
        """Return the reconstruction before the output activation [B, D]."""
        ...

    def output(self, logits: Tensor) -> Tensor:
        """Return the output activation's value [B, D]."""
        ...


@dataclass(frozen=True, eq=False)
class Pass:
    """Everything that one batch says and sees on its way; what costs is computed only when asked for."""

    model: Model
    batch: Batch
    sparsifier: Any  # the coding layer, as it is at this step
    pre: Pre
    codes: Codes
    logits: Tensor  # [B, D] before the output activation: cross-entropy is safe only from here

    @cached_property
    def recon(self) -> Tensor:
        """[B, D]: the reconstruction, scaled as the rows are."""
        return self.model.output(self.logits)

    @cached_property
    def mean_activation(self) -> Tensor:
        """[L]: each latent's mean code over the global batch, its rate."""
        rows = self.model.world.rows
        return rows.total(self.codes.sum()) / (self.codes.n_rows * rows.size)

    @cached_property
    def clean(self) -> "Pass":
        """The same trip of the rows before corruption, up to the codes, which is what `encode` will return."""
        if self.batch.seen is self.batch.x:
            return self
        pre = self.model.pre(self.batch.x)
        codes = self.sparsifier.train(pre, self.model.coder)
        return replace(self, batch=replace(self.batch, seen=self.batch.x), pre=pre, codes=codes)

    def mean(self, per_row_B: Tensor) -> Tensor:
        """Return the global batch's mean of one number a row: the only reduction over rows."""
        rows = self.model.world.rows
        return rows.total(per_row_B.sum()) / (per_row_B.numel() * rows.size)

    def sum(self, per_latent_L: Tensor) -> Tensor:
        """Return the whole dictionary's sum of one number a latent: the only reduction over latents."""
        return self.model.world.latents.total(per_latent_L.sum())
