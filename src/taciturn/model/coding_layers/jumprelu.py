"""A jump at a learnt threshold."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from ...core.recipe import check
from ..capability import Capability
from ..codes import Codes, PreActivations
from .coding_layer import CodingLayer
from .form import Form, ThresholdForm


class Thresholds(nn.Module):
    """Each latent's θ, in units of pre-activations; how far these spread before the first step."""

    spread: Tensor

    def __init__(self, n_latents: int, at: float) -> None:
        super().__init__()
        # raw, not its logarithm: exp(log θ) moves by lr · θ a step, which is hardly at all
        self.value = nn.Parameter(torch.full((n_latents,), at))
        self.register_buffer("spread", torch.ones(()))

    @property
    def clamped(self) -> Tensor:
        """[L]: max(θ, 0); below 0 the gradient still reaches θ, which can come back."""
        return self.value + (self.value.clamp_min(0) - self.value).detach()


@dataclass(frozen=True)
class JumpReLU(CodingLayer):
    """z where z > θ, else 0, with a θ ≥ 0 learnt for each latent (Rajamanoharan et al., 2024).

    The gate H(z - θ) has no gradient of its own. In its place stands the derivative of its mean under a uniform noise
    of width ε = `bandwidth`, the rectangle kernel: dH/dz = -dH/dθ = 1/ε where |z - θ| < ε/2, else 0. Everything else
    follows by the chain rule: the code is z · H(z - θ), and both z and θ are reached, from the reconstruction as from
    a penalty on the number of latents at work. (A penalty that reaches θ alone saturates.)

    Both numbers are in units of the pre-activations' standard deviation before the first step, over all latents.

    threshold : θ at the start, ≥ 0; under a penalty towards an L0 it is found from rows instead.
    bandwidth : ε > 0.
    """

    threshold: float = 0.1
    bandwidth: float = 1.0

    name = "jumprelu"
    provides = frozenset({Capability.ZERO_CODES, Capability.RANKED_CODES, Capability.L0_GRADIENT})
    transpose_initialised = True
    dictionary_text = "jumprelu+l0:l0={k}"

    def __post_init__(self) -> None:
        check(self, "threshold", 0, fixed=True)
        check(self, "bandwidth", 0, ends="(]", fixed=True)

    def create_state(self, n_latents: int) -> nn.Module:
        """Return the thresholds."""
        return Thresholds(n_latents, self.threshold)

    def initialise(self, pre: PreActivations, state: nn.Module) -> None:
        """Measure the unit."""
        assert isinstance(state, Thresholds)
        state.spread.copy_(pre.dense().std())
        state.value.mul_(state.spread)

    def training_codes(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes with their gates, whose gradient is the kernel's."""
        assert isinstance(state, Thresholds)
        theta_L = state.clamped
        width = self.bandwidth * state.spread
        # below the kernel both the value and every gradient are 0
        near = pre.above(theta_L.detach() - width / 2)
        gate = _gate(near.values, near.at(theta_L), width)
        return near.with_values(near.values * gate, gate=gate)

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes above their thresholds."""
        assert isinstance(state, Thresholds)
        theta_L = state.clamped
        above = pre.above(theta_L.detach())
        return above.with_values(above.values * (above.values > above.at(theta_L)))

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the threshold form."""
        assert isinstance(state, Thresholds)
        return ThresholdForm(state.clamped)

    def margin(self, pre: Tensor, state: nn.Module) -> Tensor:
        """Return z - θ."""
        assert isinstance(state, Thresholds)
        return pre - state.clamped

    def shift_biases(self, bias_L: Tensor, state: nn.Module, by: Tensor) -> None:
        """Lower the thresholds: what is said already stays as loud as it was."""
        assert isinstance(state, Thresholds)
        state.value.copy_((state.clamped - by).clamp_min(0))


class _Gate(Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, theta: Tensor, width: Tensor) -> Tensor:
        ctx.save_for_backward(z, theta, width)
        return (z > theta).to(z.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        z, theta, width = ctx.saved_tensors
        dz = grad * ((z - theta).abs() < width / 2) / width
        return dz, -dz.sum_to_size(theta.shape), None


def _gate(z: Tensor, theta: Tensor, width: Tensor) -> Tensor:
    gate: Tensor = _Gate.apply(z, theta, width)  # type: ignore[no-untyped-call]
    return gate
