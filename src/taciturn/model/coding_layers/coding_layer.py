"""The base class of all coding layers."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

from torch import Tensor, nn

from ...core.recipe import Recipe
from ..capability import Capability
from ..codes import Codes
from ..passes import Pass
from ..pre_activations import PreActivations
from .form import Form


@dataclass(frozen=True)
class CodingLayer(Recipe):
    """A recipe that turns pre-activations into codes.

    Calling it is inference: `coding_layer(pre, state)` returns the codes that `encode` returns. A subclass implements
    `__call__`, and the other methods only where its behaviour differs. The recipe itself is immutable: parameters and
    buffers are in `state`, the module that `create_state` returns.

    Attributes
    ----------
    provides : frozenset of Capability
        The properties of its codes that terms may require.
    active_above : float or None
        A latent counts as active where its code is greater than this; None: where it is not 0.
    dictionary_text : str or None
        The usual recipe of a dictionary with this coding layer, as text with the placeholders {k}, {falling} and
        {first_k}; see DictionaryAutoencoder.
    dictionary_revival : {"resample", "auxk+redirect"}
        How that dictionary revives dead latents by default.
    transpose_initialised : bool
        Initialise the decoder's first weight as the transpose of the encoder's last.
    finalises : bool
        Whether `finalise` sets something.

    Examples
    --------
    >>> CodingLayer.parse("topk:32")
    TopK(k=32, signed=False)
    """

    provides: ClassVar[frozenset[Capability]] = frozenset()
    active_above: ClassVar[float | None] = None
    dictionary_text: ClassVar[str | None] = None
    dictionary_revival: ClassVar[str] = "resample"
    transpose_initialised: ClassVar[bool] = False
    finalises: ClassVar[bool] = False

    def row_k(self, l0: float) -> int | None:
        """Return how many of a row's largest pre-activations are active in training, at least about; None: others are.

        `l0` is the mean number of active latents per row in training; it counts where the layer does not fix it.
        """
        return None

    def with_row_k(self, k: int) -> Self:
        """Return a layer whose training codes are the k largest of each row; only where `row_k` is a number."""
        raise NotImplementedError

    @property
    def target_l0(self) -> float | None:
        """The mean number of active latents per row that the recipe sets; None where it sets none."""
        return None

    @property
    def starting(self) -> bool:
        """Whether the training selects codes in another way at this step; see `TopKFirst`."""
        return False

    def create_state(self, n_latents: int) -> nn.Module:
        """Return a new module with the coding layer's parameters and buffers, which is saved with the model."""
        return nn.Module()

    def initialise(self, pre: PreActivations, state: nn.Module) -> None:
        """Set the state from some rows' pre-activations before the first step; called without gradient."""

    @abstractmethod
    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes of pre-activations at inference.

        Parameters
        ----------
        pre : PreActivations of B rows and L latents
            The encoder's output.
        state : nn.Module
            What `create_state` returned.

        Returns
        -------
        Codes [B, L]
            Each row's codes depend on this row only.
        """

    def training_codes(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes [B, L] of a training batch; they may depend on the batch and have surrogate gradients."""
        return self(pre, state)

    def update(self, p: Pass, state: nn.Module) -> None:
        """Update the buffers after a training batch's backward pass; called without gradient."""

    def finalise(self, pre: PreActivations, state: nn.Module) -> None:
        """Set what inference requires, from clean rows, after training; called without gradient."""

    def margin(self, pre: Tensor, state: nn.Module) -> Tensor:
        """Return by how much pre-activations [B, L] exceed the value above which their latents are active."""
        return pre

    def shift_biases(self, bias_L: Tensor, state: nn.Module, by: Tensor) -> None:
        """Add `by` ([L] or [1], in units of pre-activations) to the latents' biases, in place."""
        bias_L.add_(by)

    def compensate_rise(self, bias_L: Tensor, state: nn.Module, rise_L: Tensor) -> None:
        """Lower the biases by a rise [L] of the products (x - centre) W', in place, so that codes stay."""
        bias_L.sub_(rise_L)

    def is_active(self, values: Tensor) -> Tensor:
        """Return which codes count as active, as booleans in the shape of `values`."""
        return values != 0 if self.active_above is None else values > self.active_above

    def active_counts(self, codes: Codes) -> Tensor:
        """Return on how many rows each latent is active [L]."""
        return codes.active_counts() if self.active_above is None else self.is_active(codes.dense()).sum(0)

    def form(self, state: nn.Module, n_latents: int) -> Form | None:
        """Return the inference computation as plain numbers; None where no form fits."""
        return None

    def init_std(self, n_in: int, n_out: int) -> float:
        """Return the standard deviation of a layer's initial weights: 1/√n_in, for rows of norm about 1."""
        return 1 / math.sqrt(n_in)
