"""BatchTopK: the k · B largest codes of a batch of B rows."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...core.recipe import check
from ...core.schedules import Schedule, final
from ..capability import Capability
from ..codes import Codes
from ..passes import Pass
from ..pre_activations import PreActivations
from .form import Form, ThresholdForm
from .topk_first import THRESHOLD_MEAN, TopKFirst

MEAN_BATCHES = 100  # the running mean of thresholds moves by at least 1/100 per batch


class Threshold(nn.Module):
    """The state of BatchTopK: the threshold of inference.

    Attributes
    ----------
    value : Tensor, scalar
        A latent is active where its pre-activation is greater than this.
    batches : Tensor, scalar, int64
        The number of batches that the running mean `value` has taken in.
    """

    value: Tensor
    batches: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("value", torch.zeros(()))
        self.register_buffer("batches", torch.zeros((), dtype=torch.long))


@dataclass(frozen=True)
class BatchTopK(TopKFirst):
    """The coding layer that keeps a batch's k · B largest pre-activations: k per row on average.

    Parameters
    ----------
    k : float or Schedule, greater than 0
        Mean number of codes per row.
    first_k : float or Schedule, 0 or more, default=0
        See `TopKFirst`.

    Notes
    -----
    In training, codes are max(z, 0) for the round(k · B) largest z of the whole batch, else 0 (Bussmann et al., 2024).
    Gradients reach the kept entries only.

    At inference a row's codes must not depend on the rows beside it: codes are z where z > threshold, else 0. During
    training the threshold is the running mean, over clean batches, of the least positive value kept; in a batch
    without positive values it stays. After training it is set so that clean rows have k active latents on average.

    Examples
    --------
    >>> from taciturn.kernels import Plain
    >>> z = torch.tensor([[3.0, 2.0, 1.0], [0.3, 0.2, 0.1]])
    >>> pre = PreActivations(z, torch.eye(3), torch.zeros(3), None, Plain())
    >>> coder = BatchTopK(1)
    >>> state = coder.create_state(3)
    >>> coder.training_codes(pre, state).dense()
    tensor([[3., 2., 0.],
            [0., 0., 0.]])
    >>> coder.finalise(pre, state)
    >>> coder(pre, state).dense()
    tensor([[3., 2., 0.],
            [0., 0., 0.]])
    """

    k: float | Schedule

    name = "batch_topk"
    provides = frozenset({Capability.ZERO_CODES, Capability.RANKED_CODES})
    transpose_initialised = True
    dictionary_text = "batch_topk:{k},first_k={first_k}"
    dictionary_revival = "auxk+redirect"
    finalises = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "k", 0, ends="(]")

    @property
    def target_l0(self) -> float:
        """k, at the end of a schedule."""
        return final(self.k)

    def create_state(self, n_latents: int) -> nn.Module:
        """Return a threshold of 0."""
        return Threshold()

    def training_codes(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the batch's k · B largest codes, sparse."""
        return (pre.top(self._first_k) if self.starting else pre.top_batch(final(self.k))).relu()

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes above the threshold."""
        assert isinstance(state, Threshold)
        candidates = pre.above(state.value)
        return candidates.with_values(candidates.values * (candidates.values > state.value))

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the threshold form: one threshold for all latents."""
        assert isinstance(state, Threshold)
        return ThresholdForm(state.value.expand(n_latents))

    @torch.no_grad()
    def update(self, p: Pass, state: nn.Module) -> None:
        """Add the least positive code of the batch's clean rows to the running mean."""
        assert isinstance(state, Threshold)
        if self.starting:
            state.value.lerp_(self._batch_threshold(p.clean.pre).to(state.value), THRESHOLD_MEAN)
            return
        codes_N = p.clean.codes.values
        least = p.clean.pre.least(codes_N[codes_N > 0])
        if least.isfinite():
            state.batches += 1
            state.value.lerp_(least.to(state.value), 1 / state.batches.clamp(max=MEAN_BATCHES))

    @torch.no_grad()
    def finalise(self, pre: PreActivations, state: nn.Module) -> None:
        """Set the threshold that k latents per row exceed on average on these rows."""
        assert isinstance(state, Threshold)
        largest_N = pre.top_batch(final(self.k)).values
        least = pre.least(largest_N[largest_N > 0])
        # just below the least code to keep: a threshold half-way to 0 would admit further latents
        state.value.copy_(least * (1 - 1e-6) if least.isfinite() else state.value)
