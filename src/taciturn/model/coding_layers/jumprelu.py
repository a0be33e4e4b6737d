"""JumpReLU: codes above a threshold that is trained for each latent."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from ...core.recipe import check
from ..capability import Capability
from ..codes import Codes
from ..passes import Pass
from ..pre_activations import PreActivations
from .form import Form, ThresholdForm
from .topk_first import THRESHOLD_MEAN, TopKFirst


class Thresholds(nn.Module):
    """The state of JumpReLU: a threshold θ per latent, and the unit of the recipe's numbers.

    Attributes
    ----------
    value : nn.Parameter [L]
        θ in units of pre-activations; a value below 0 counts as 0.
    spread : Tensor, scalar
        The standard deviation of all pre-activations before the first step.
    """

    spread: Tensor

    def __init__(self, n_latents: int, initial: float) -> None:
        super().__init__()
        # θ itself and not its logarithm: log θ would change θ by lr · θ per step only, which is hardly at all
        self.value = nn.Parameter(torch.full((n_latents,), float(initial)))
        self.register_buffer("spread", torch.ones(()))

    @property
    def clamped(self) -> Tensor:
        """max(θ, 0) [L]; its gradient reaches θ below 0 too, so that θ can rise again."""
        return self.value + (self.value.clamp_min(0) - self.value).detach()


@dataclass(frozen=True)
class JumpReLU(TopKFirst):
    """The coding layer that keeps pre-activations above a threshold θ ≥ 0, trained for each latent.

    `threshold` and `bandwidth` are in units of the standard deviation of all pre-activations before the first step.

    Parameters
    ----------
    threshold : float, default=0.1
        The initial θ, 0 or more. A term with a target for the L0 sets it from rows instead.
    bandwidth : float, default=1.0
        The width ε of the surrogate gradient's kernel, greater than 0.
    first_k : float or Schedule, 0 or more, default=0
        See `TopKFirst`.

    Notes
    -----
    Codes are z · H(z - θ), with H(u) = 1 where u > 0, else 0 (Rajamanoharan et al., 2024).

    H has no useful gradient. The surrogate is the derivative of the mean of H under uniform noise of width ε, the
    rectangle kernel: dH/dz = -dH/dθ = 1/ε where |z - θ| < ε/2, else 0. The chain rule gives the rest, so gradients
    from the reconstruction and from a penalty on L0 reach both z and θ. (A penalty that reaches θ only saturates.)

    Examples
    --------
    >>> from taciturn.kernels import Plain
    >>> pre = PreActivations(torch.tensor([[0.3, 0.6, 2.0]]), torch.eye(3), torch.zeros(3), None, Plain())
    >>> coder = JumpReLU(threshold=0.5)
    >>> coder(pre, coder.create_state(3)).dense().detach()
    tensor([[0.0000, 0.6000, 2.0000]])
    """

    threshold: float = 0.1
    bandwidth: float = 1.0

    name = "jumprelu"
    provides = frozenset({Capability.ZERO_CODES, Capability.RANKED_CODES, Capability.L0_GRADIENT})
    transpose_initialised = True
    dictionary_text = "jumprelu:first_k={first_k}+l0:l0={k}"
    dictionary_revival = "auxk+redirect"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "threshold", 0, fixed=True)
        check(self, "bandwidth", 0, ends="(]", fixed=True)

    def create_state(self, n_latents: int) -> nn.Module:
        """Return thresholds at `threshold`, with a unit of 1."""
        return Thresholds(n_latents, self.threshold)

    def initialise(self, pre: PreActivations, state: nn.Module) -> None:
        """Set the unit to the standard deviation of these pre-activations, and the thresholds in this unit.

        Where they do not vary, as with equal rows, the unit stays 1: a kernel of width 0 would have no gradient.
        """
        assert isinstance(state, Thresholds)
        spread = pre.std()
        state.spread.copy_(spread.where(spread > 0, 1.0))
        state.value.copy_(torch.full_like(state.value, self.threshold) * state.spread)

    def training_codes(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes with their gates, which have the surrogate gradient."""
        assert isinstance(state, Thresholds)
        if self.starting:
            return pre.top(self._first_k).relu()
        theta_L = state.clamped
        width = self.bandwidth * state.spread
        # below the kernel the code and all gradients are 0
        candidates = pre.above(theta_L.detach() - width / 2)
        gate = _gate(candidates.values, candidates.per_entry(theta_L), width)
        return candidates.with_values(candidates.values * gate, gate=gate)

    @torch.no_grad()
    def update(self, p: Pass, state: nn.Module) -> None:
        """Let all thresholds follow the codes of a TopK phase, by a running mean."""
        assert isinstance(state, Thresholds)
        if self.starting:
            state.value.lerp_(self._batch_threshold(p.clean.pre).to(state.value), THRESHOLD_MEAN)

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the codes above their thresholds."""
        assert isinstance(state, Thresholds)
        theta_L = state.clamped
        candidates = pre.above(theta_L.detach())
        return candidates.with_values(candidates.values * (candidates.values > candidates.per_entry(theta_L)))

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the threshold form."""
        assert isinstance(state, Thresholds)
        return ThresholdForm(state.clamped)

    def margin(self, pre: Tensor, state: nn.Module) -> Tensor:
        """Return z - θ [B, L]."""
        assert isinstance(state, Thresholds)
        return pre - state.clamped

    def shift_biases(self, bias_L: Tensor, state: nn.Module, by: Tensor) -> None:
        """Lower the thresholds by `by`, to 0 at the least; codes that stay active keep their values."""
        assert isinstance(state, Thresholds)
        state.value.copy_((state.clamped - by).clamp_min(0))


class _Gate(Function):
    """H(z - θ), with the rectangle kernel as its gradient."""

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
