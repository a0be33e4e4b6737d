"""Gated: one path decides which latents are active, another how large their codes are."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ..capability import Capability
from ..codes import Codes
from ..passes import Pass
from ..pre_activations import PreActivations
from .form import Form, GateForm
from .topk_first import THRESHOLD_MEAN, TopKFirst


class Magnitude(nn.Module):
    """The state of Gated: a scale and a bias for the size of each latent's code.

    Attributes
    ----------
    log_scale : nn.Parameter [L]
        The scale's logarithm r, initially 0.
    bias : nn.Parameter [L]
        Initially 0.
    """

    def __init__(self, n_latents: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(n_latents))
        self.bias = nn.Parameter(torch.zeros(n_latents))


@dataclass(frozen=True)
class Gated(TopKFirst):
    """The coding layer with a gate per latent and a ReLU for the size of its code, both of the same product.

    Its state is a scale and a bias per latent, both trained.

    Parameters
    ----------
    first_k : float or Schedule, 0 or more, default=0
        See `TopKFirst`.

    Notes
    -----
    With the product p = (x - centre) W' and the pre-activation z = p + b, the gate is open where z > 0. The code is
    max(exp(r) p + b_magnitude, 0) where the gate is open, else 0 (Rajamanoharan et al., 2024).

    Penalties act on the gate activations max(z, 0) instead of the codes: they can make those smaller without making
    codes smaller. No gradient of the reconstruction reaches b, which only the gate depends on; the term `gated_aux`
    trains the gate and must be part of the objective.

    Examples
    --------
    >>> from taciturn.kernels import Plain
    >>> p = torch.tensor([[3.0, -1.0, 0.2]])
    >>> pre = PreActivations(p, torch.eye(3), torch.tensor([-1.0, -1.0, -1.0]), None, Plain())
    >>> codes = Gated()(pre, Gated().create_state(3))
    >>> codes.dense().detach(), codes.penalised.detach()
    (tensor([[3., 0., 0.]]), tensor([[2., 0., 0.]]))
    """

    name = "gated"
    provides = frozenset({Capability.ZERO_CODES, Capability.RANKED_CODES, Capability.GATE_ACTIVATIONS})
    transpose_initialised = True
    dictionary_text = "gated:first_k={first_k}+l1:l0={k}+gated_aux"
    dictionary_revival = "auxk+redirect"

    def create_state(self, n_latents: int) -> nn.Module:
        """Return scales of 1 and biases of 0."""
        return Magnitude(n_latents)

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes where the gate is open, with the gate activations."""
        assert isinstance(state, Magnitude)
        gate = pre.above(pre.bias.new_zeros(()))
        return gate.with_values(_size(pre, gate, state) * (gate.values > 0), gate_activations=gate.values.relu())

    def training_codes(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes where the gate is open; in a TopK phase, where it is among the row's largest.

        Penalties and `gated_aux` have no gradient in that phase.
        """
        if not self.starting:
            return self(pre, state)
        assert isinstance(state, Magnitude)
        gate = pre.top(self._first_k)
        return gate.with_values(_size(pre, gate, state), gate_activations=gate.values.relu().detach())

    @torch.no_grad()
    def update(self, p: Pass, state: nn.Module) -> None:
        """In a TopK phase, let the gates follow: each is open where its code exceeds a threshold common to all."""
        assert isinstance(state, Magnitude)
        if self.starting:
            bias_L, pre = state.bias / state.log_scale.exp(), p.clean.pre
            threshold = self._batch_threshold(replace(pre, bias=bias_L))
            pre.bias.lerp_(bias_L - threshold, THRESHOLD_MEAN)

    def compensate_rise(self, bias_L: Tensor, state: nn.Module, rise_L: Tensor) -> None:
        """Lower the gates' biases by a rise [L] of the products, and the magnitudes' biases by exp(r) times it."""
        assert isinstance(state, Magnitude)
        super().compensate_rise(bias_L, state, rise_L)
        state.bias.sub_(state.log_scale.exp() * rise_L)

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the gate form."""
        assert isinstance(state, Magnitude)
        return GateForm(state.log_scale.exp(), state.bias)


def _size(pre: PreActivations, gate: Codes, state: Magnitude) -> Tensor:
    """Return max(exp(r) p + b_magnitude, 0) of the gates' entries."""
    product = gate.values - gate.per_entry(pre.bias)
    return (product * gate.per_entry(state.log_scale.exp()) + gate.per_entry(state.bias)).relu()
