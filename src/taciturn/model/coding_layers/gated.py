"""Gated: one path decides which latents are active, another how large their codes are."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..capability import Capability
from ..codes import Codes
from ..pre_activations import PreActivations
from .coding_layer import CodingLayer
from .form import Form, GateForm


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
class Gated(CodingLayer):
    """The coding layer with a gate per latent and a ReLU for the size of its code, both of the same product.

    It has no parameters to set; its state is a scale and a bias per latent, both trained.

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
    dictionary_text = "gated+l1:l0={k}+gated_aux"

    def create_state(self, n_latents: int) -> nn.Module:
        """Return scales of 1 and biases of 0."""
        return Magnitude(n_latents)

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes where the gate is open, with the gate activations."""
        assert isinstance(state, Magnitude)
        gate = pre.above(pre.bias.new_zeros(()))
        product = gate.values - gate.per_entry(pre.bias)
        magnitude = (product * gate.per_entry(state.log_scale.exp()) + gate.per_entry(state.bias)).relu()
        return gate.with_values(magnitude * (gate.values > 0), gate_activations=gate.values.relu())

    def compensate_rise(self, bias_L: Tensor, state: nn.Module, rise_L: Tensor) -> None:
        """Lower the gates' biases by a rise [L] of the products, and the magnitudes' biases by exp(r) times it."""
        assert isinstance(state, Magnitude)
        super().compensate_rise(bias_L, state, rise_L)
        state.bias.sub_(state.log_scale.exp() * rise_L)

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the gate form."""
        assert isinstance(state, Magnitude)
        return GateForm(state.log_scale.exp(), state.bias)
