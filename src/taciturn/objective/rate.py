"""Penalties that press each latent's mean activation q towards a target rate ρ.

Both are summed over latents and act on the mean over the batch; they are never divided by the batch size again. A
written weight presses on the codes of the rows that the network saw, as the textbook; a weight that is found promises
the rate of what `encode` returns, and presses on the codes of the clean rows: under noise the two means differ.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.recipe import check
from ..core.schedules import Schedule, final
from ..model import Capability, Model, Pass
from .term import Number, Term

MOST = 1 - 1e-6


def squared_rate(target: Number, q: Tensor) -> Tensor:
    """Return (q - ρ)² of each mean activation q."""
    return (q - target).square()


def kl(target: Number, q: Tensor) -> Tensor:
    """Return ρ log(ρ/q) + (1-ρ) log((1-ρ)/(1-q)) of each mean activation q, in nats; infinite at q = 0 and 1."""
    if isinstance(target, Tensor):
        least: Number = target * target.log() + (1 - target) * (-target).log1p()
    else:
        least = target * math.log(target) + (1 - target) * math.log1p(-target)
    return least - target * q.log() - (1 - target) * (-q).log1p()


@dataclass(frozen=True)
class RateTerm(Term):
    """A penalty on each latent's mean activation; 0 < rate < 1, the codes in (0, 1)."""

    rate: float | Schedule

    requires = frozenset({Capability.UNIT_INTERVAL_CODES})
    target_kind = "rate"
    offset = 0.02
    has_gradient = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "rate", 0, 1, "()")

    @abstractmethod
    def cost(self, target: Number, q: Tensor) -> Tensor:
        """Return each latent's penalty [L]."""

    @abstractmethod
    def marginal(self, target: Number, q: Tensor) -> tuple[Tensor, Tensor]:
        """Return each latent's penalty, and its derivative in q [L]."""

    def value_and_gradient(self, p: Pass, weight: Number = 1.0, aim: Number = 1.0) -> tuple[Tensor, Tensor]:
        """Return Σ_l cost(aim · ρ, q_l), and weight times what a row's code adds to it: the same for all rows [L]."""
        cost, marginal = self.marginal(self.aimed_rate(aim), p.mean_activation)
        return p.sum(cost), marginal.mul_(weight / p.n_rows)

    def __call__(self, p: Pass) -> Tensor:
        """Return Σ_l cost(ρ, q_l)."""
        return p.sum(self.cost(final(self.rate), p.mean_activation))

    @property
    def target(self) -> float:
        """The rate."""
        return final(self.rate)

    def measured(self, p: Pass) -> Tensor:
        """Return the latents' mean rate over the clean rows of the global batch."""
        return p.sum(p.clean.mean_activation) / p.n_latents

    def penalised(self, p: Pass, aim: float) -> Tensor:
        """Return Σ_l cost(aim · ρ, q_l) of the clean rows."""
        return p.sum(self.cost(self.aimed_rate(aim), p.clean.mean_activation))

    def aimed_rate(self, aim: Number) -> Number:
        """Return aim · ρ as a rate."""
        aimed = aim * self.target  # which may lie past the target: no rate is 1
        return aimed.clamp(max=MOST) if isinstance(aimed, Tensor) else min(aimed, MOST)

    @torch.no_grad()
    def calibrate(self, model: Model, x: Tensor, *, each: bool) -> None:
        """Shift the coding biases so that on rows x each latent's mean, or the mean of all, is the rate.

        By bisection; a mean activation rises with its bias.
        """
        pre_BL = model.refined_pre(x).dense()
        low, high = (pre_BL.new_full((pre_BL.shape[1] if each else 1,), bound) for bound in (-50.0, 50.0))
        for _ in range(50):
            middle = (low + high) / 2
            rate_L = model.activate(pre_BL + middle).mean(0)
            too_loud = (rate_L if each else rate_L.mean()) > self.target
            low, high = torch.where(too_loud, low, middle), torch.where(too_loud, middle, high)
        model.shift_biases((low + high) / 2)


@dataclass(frozen=True)
class SquaredRate(RateTerm):
    """Σ_l (q_l - ρ)²: the textbook's first idea of a sparsity loss."""

    name = "squared_rate"

    def cost(self, target: Number, q: Tensor) -> Tensor:
        """Return (q - ρ)²."""
        return squared_rate(target, q)

    def marginal(self, target: Number, q: Tensor) -> tuple[Tensor, Tensor]:
        """Return (q - ρ)² and 2 (q - ρ)."""
        excess = q - target
        return excess.square(), 2 * excess


@dataclass(frozen=True)
class KL(RateTerm):
    """Σ_l ρ log(ρ/q_l) + (1-ρ) log((1-ρ)/(1-q_l)): the divergence of Bernoulli(q) from Bernoulli(ρ), in nats.

    Its gradient is far steeper than the squared error's where q is far from ρ (Ng, 2011; Géron, 2017).
    """

    name = "kl"

    def cost(self, target: Number, q: Tensor) -> Tensor:
        """Return ρ log(ρ/q) + (1-ρ) log((1-ρ)/(1-q))."""
        # clamp the value only: a latent that has saturated still feels the pull back
        return kl(target, q + (_inside(q) - q).detach())

    def marginal(self, target: Number, q: Tensor) -> tuple[Tensor, Tensor]:
        """Return ρ log(ρ/q) + (1-ρ) log((1-ρ)/(1-q)) and (q-ρ) / (q (1-q))."""
        q = _inside(q)
        return kl(target, q), (q - target) / torch.addcmul(q, q, q, value=-1)


def _inside(q: Tensor) -> Tensor:
    """Return q, kept off 0 and 1."""
    tiny = torch.finfo(q.dtype).eps
    return q.clamp(tiny, 1 - tiny)
