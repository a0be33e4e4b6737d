"""The k · B largest of a batch of B rows."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...core.recipe import check
from ...core.schedules import Schedule, final
from ..capability import Capability
from ..codes import Codes, PreActivations
from ..passes import Pass
from .coding_layer import CodingLayer
from .form import Form, ThresholdForm

MEMORY = 100  # batches


class Threshold(nn.Module):
    """Where latents begin to speak when a row stands alone."""

    value: Tensor
    batches: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("value", torch.zeros(()))
        self.register_buffer("batches", torch.zeros((), dtype=torch.long))


@dataclass(frozen=True)
class BatchTopK(CodingLayer):
    """Keep a batch's k · B largest pre-activations, ReLU'd: k a row on average (Bussmann et al., 2024).

    A row's codes must not depend on the rows beside it, so `encode` keeps what exceeds a threshold instead: while
    training, the running mean of the least value kept of clean rows; after it, what k a row exceed on clean rows.
    k > 0, or a schedule.
    """

    k: float | Schedule

    name = "batch_topk"
    provides = frozenset({Capability.ZERO_CODES, Capability.RANKED_CODES})
    transpose_initialised = True
    dictionary_text = "batch_topk:{k}"
    dictionary_revival = "auxk"
    finalises = True

    def __post_init__(self) -> None:
        check(self, "k", 0, ends="(]")

    @property
    def target_l0(self) -> float:
        """k."""
        return final(self.k)

    def create_state(self, n_latents: int) -> nn.Module:
        """Return the threshold."""
        return Threshold()

    def training_codes(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return k codes a row on average, sparse."""
        return pre.top_batch(final(self.k)).relu()

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes above the threshold."""
        assert isinstance(state, Threshold)
        above = pre.above(state.value)
        return above.with_values(above.values * (above.values > state.value))

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the threshold form: one threshold for all latents."""
        assert isinstance(state, Threshold)
        return ThresholdForm(state.value.expand(n_latents))

    @torch.no_grad()
    def update(self, p: Pass, state: nn.Module) -> None:
        """Take in the least value kept of a batch's clean rows."""
        assert isinstance(state, Threshold)
        spoken = p.clean.codes.values
        spoken = spoken[spoken > 0]
        if len(spoken):
            state.batches += 1
            state.value.lerp_(spoken.min().to(state.value), 1 / state.batches.clamp(max=MEMORY))

    @torch.no_grad()
    def finalise(self, pre: PreActivations, state: nn.Module) -> None:
        """Set the threshold that k a row of these exceed on average."""
        assert isinstance(state, Threshold)
        kept = pre.top_batch(final(self.k)).values
        spoken = kept[kept > 0]
        # half-way to 0 would let others in: just below the least that is to speak
        state.value.copy_(spoken.min() * (1 - 1e-6) if len(spoken) else state.value)
