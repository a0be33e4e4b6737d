"""A batch of rows and its forward pass, as every term reads them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..core.seeds import generator
from ..core.world import WHOLE_BATCH, Axis, RowShard
from .codes import Codes
from .pre_activations import PreActivations


@dataclass(frozen=True, eq=False)
class Batch:
    """The scaled rows of one training step.

    Parameters
    ----------
    x : Tensor [B, D]
        Clean rows.
    target : Tensor [B, D]
        The rows to reconstruct: `x` itself, or the partners that the user passed, which may have other columns.
    corrupted : Tensor [B, D]
        The network's input: x after corruption. It is `x` itself (`corrupted is x`) where nothing was corrupted.
    draw_key : tuple of (int, int), default=(0, 0)
        (seed, step), for terms that draw random numbers: they are the same on every process.
    judged : Tensor [B, D] of bool, optional
        Which entries of the target count in the error; None: all. The target's other entries are arbitrary numbers.
    shard : RowShard, default=WHOLE_BATCH
        Which rows of the global batch these are, where several processes share it.

    Examples
    --------
    >>> x = torch.zeros(2, 3)
    >>> batch = Batch(x, x, x, draw_key=(0, 7))
    >>> torch.equal(torch.rand(2, generator=batch.rng("a")), torch.rand(2, generator=batch.rng("a")))
    True
    """

    x: Tensor
    target: Tensor
    corrupted: Tensor
    draw_key: tuple[int, int] = (0, 0)
    judged: Tensor | None = None
    shard: RowShard = WHOLE_BATCH

    @property
    def n_rows(self) -> int:
        """The number of rows of the global batch, over all processes."""
        return self.shard.total(len(self.x))

    def rng(self, purpose: str) -> torch.Generator:
        """Return a generator seeded by the seed, the purpose and the step."""
        return generator(self.draw_key[0], purpose, self.draw_key[1])


class Model(Protocol):
    """The part of an autoencoder that a pass and the terms use; see Autoencoder for each method's details."""

    @property
    def coder(self) -> nn.Module:
        """The coding layer's parameters and buffers."""
        ...

    @property
    def latents(self) -> Axis:
        """The axis over which latents may be distributed."""
        ...

    @property
    def n_latents(self) -> int:
        """The number of latents of the whole dictionary, over all processes."""
        ...

    @property
    def part(self) -> tuple[int, int]:
        """The first latent of this process, and the one after its last."""
        ...

    @property
    def dictionary(self) -> nn.Parameter:
        """The weight of the decoder's first layer, one row per latent [L, …]."""
        ...

    @property
    def weights(self) -> Sequence[nn.Parameter]:
        """The weights of all layers, without the biases; tied ones once."""
        ...

    def shared_parameters(self) -> Sequence[nn.Parameter]:
        """Return the parameters that do not have one row per latent."""
        ...

    def pre_and_codes(
        self, x: Tensor, coding_function: Callable[[PreActivations, nn.Module], Codes], shard: RowShard = WHOLE_BATCH
    ) -> tuple[PreActivations, Codes]:
        """Return the pre-activations of scaled rows [B, D] and the codes that a function makes of them."""
        ...

    def refined_pre(self, x: Tensor) -> PreActivations:
        """Return the pre-activations of scaled rows [B, D] after all refinements."""
        ...

    def activate(self, pre: Tensor) -> Tensor:
        """Return the coding layer's activation of any pre-activations; for elementwise coding layers only."""
        ...

    def margin(self, pre: Tensor) -> Tensor:
        """Return by how much pre-activations [B, L] exceed the value above which their latents are active."""
        ...

    def shift_biases(self, shift: Tensor) -> None:
        """Add `shift` ([L] or [1], in units of pre-activations) to the latents' biases."""
        ...

    def decode(self, codes: Codes, x: Tensor | None = None, *, frozen: bool = False) -> Tensor:
        """Return the logits [B, D] of the codes of rows x; `frozen` passes no gradient to the decoder."""
        ...

    def decode_linear(self, codes: Codes) -> Tensor:
        """Return the product of codes and the dictionary [B, …], without a bias."""
        ...

    def output(self, logits: Tensor) -> Tensor:
        """Return the output activation of logits [B, D]."""
        ...

    def output_gradient(self, recon: Tensor, up: Tensor) -> Tensor:
        """Return the gradient in the logits [B, D], given the reconstruction and the gradient in it."""
        ...


@dataclass(frozen=True, eq=False)
class Pass:
    """One batch's forward pass, with everything that terms read. Derived quantities are computed at first use.

    Parameters
    ----------
    model : Model
        The autoencoder.
    batch : Batch
        The rows.
    coding_layer : CodingLayer
        The coding layer with its schedules replaced by this step's values.
    pre : PreActivations
        Of the corrupted rows, after all refinements.
    codes : Codes [B, L]
        Of the corrupted rows.
    logits : Tensor [B, D]
        The reconstruction before the output activation. Cross-entropy is computed from it: from a saturated sigmoid's
        value its gradient would be 0.
    inactive_rows : Tensor [L] of int64
        For how many rows each latent has been inactive.

    Examples
    --------
    >>> from taciturn.model import Autoencoder, Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> x = torch.rand(5, 4)
    >>> pre, codes = model.pre_and_codes(x, model.layout.coder)
    >>> p = Pass(model, Batch(x, x, x), model.layout.coder, pre, codes, model.decode(codes), torch.zeros(8))
    >>> p.recon.shape, p.mean_activation.shape
    (torch.Size([5, 4]), torch.Size([8]))
    """

    model: Model
    batch: Batch
    coding_layer: Any
    pre: PreActivations
    codes: Codes
    logits: Tensor
    inactive_rows: Tensor

    @cached_property
    def recon(self) -> Tensor:
        """The scaled reconstruction [B, D]."""
        return self.model.output(self.logits)

    @property
    def n_rows(self) -> int:
        """The number of rows of the global batch, over all processes."""
        return self.batch.n_rows

    @property
    def n_latents(self) -> int:
        """The number of latents of the whole dictionary, over all processes."""
        return self.model.n_latents

    @cached_property
    def mean_activation(self) -> Tensor:
        """Each latent's mean code over the global batch [L]."""
        return self.batch.shard.axis.sum(self.codes.sum()) / self.n_rows

    @property
    def clean(self) -> "Pass":
        """The pass of the clean rows, with their pre-activations and codes: the codes that `encode` is to return.

        Only `batch`, `pre` and `codes` are computed again; `logits` stay those of the corrupted rows.
        """
        # a pass that cached a reference to itself would keep its batch alive until the garbage collector finds it
        return self if self.batch.corrupted is self.batch.x else self._clean

    @cached_property
    def _clean(self) -> "Pass":
        pre, codes = self.model.pre_and_codes(self.batch.x, self.coding_layer.training_codes, self.batch.shard)
        return replace(self, batch=replace(self.batch, corrupted=self.batch.x), pre=pre, codes=codes)

    def with_codes(self, codes: Codes, *, frozen: bool = False) -> "Pass":
        """Return this pass with other codes [B, L] and their logits; `frozen` passes no gradient to the decoder."""
        logits = self.model.decode(codes, self.batch.corrupted, frozen=frozen)
        return replace(self, codes=codes, logits=logits)

    def mean(self, per_row: Tensor) -> Tensor:
        """Return the mean over the global batch of numbers [B] or [B, …], as a scalar.

        All terms average over rows with this method, so that the result is global on every process.
        """
        return self.batch.shard.axis.sum(per_row.sum()) / (self.n_rows * prod(per_row.shape[1:]))

    def mean_judged(self, errors: Tensor, judged: Tensor | None = None) -> Tensor:
        """Return the mean over the judged entries of the global batch of numbers [B, D], as a scalar; 0 without any.

        All errors average over entries with this method. `judged` [B, …] replaces `batch.judged` for errors of another
        width.
        """
        judged = self.batch.judged if judged is None else judged
        if judged is None:
            return self.mean(errors)
        rows = self.batch.shard.axis
        # where, not times: an entry that is not judged passes no gradient, even if it is infinite
        total = rows.sum(torch.where(judged, errors, errors.new_zeros(())).sum())
        return total / rows.sum(judged.sum()).clamp_min(1)

    def sum(self, per_latent_L: Tensor) -> Tensor:
        """Return the sum over the whole dictionary of one number per latent [L], as a scalar.

        All terms sum over latents with this method, so that the result is global on every process.
        """
        return self.model.latents.sum(per_latent_L.sum())

    def once(self, number: Tensor) -> Tensor:
        """Return a number that does not depend on rows, so that every process has it; its gradient counts once.

        All terms of weights alone use this method: gradients are summed over processes.
        """
        return self.batch.shard.axis.once(number)
