"""One path decides who speaks, another how loud."""

from dataclasses import dataclass

import torch
from torch import nn

from ..capability import Capability
from ..codes import Codes, PreActivations
from .coding_layer import CodingLayer
from .form import Form, GateForm


class Magnitude(nn.Module):
    """Each latent's loudness: a scale, as its logarithm, and a bias."""

    def __init__(self, n_latents: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(n_latents))
        self.bias = nn.Parameter(torch.zeros(n_latents))


@dataclass(frozen=True)
class Gated(CodingLayer):
    """ReLU of a magnitude where a gate is open; both read the same product (Rajamanoharan et al., 2024).

    With p = (x - centre) W' the gate is open where g = p + b > 0, and the code there is
    max(exp(r) p + b_magnitude, 0). A penalty presses on the proposal max(g, 0), which it can make smaller without
    making codes smaller; no gradient reaches g from the reconstruction, so `gated_aux` trains it.
    """

    name = "gated"
    provides = frozenset({Capability.ZERO_CODES, Capability.RANKED_CODES, Capability.GATE_ACTIVATIONS})
    transpose_initialised = True
    dictionary_text = "gated+l1:l0={k}+gated_aux"

    def create_state(self, n_latents: int) -> nn.Module:
        """Return the magnitude's scale and bias."""
        return Magnitude(n_latents)

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes where the gate is open, with the proposals."""
        assert isinstance(state, Magnitude)
        gate = pre.above(pre.bias.new_zeros(()))
        product = gate.values - gate.at(pre.bias)
        magnitude = (product * gate.at(state.log_scale.exp()) + gate.at(state.bias)).relu()
        return gate.with_values(magnitude * (gate.values > 0), gate_activations=gate.values.relu())

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the gate form."""
        assert isinstance(state, Magnitude)
        return GateForm(state.log_scale.exp(), state.bias)
