"""Penalties that press each latent's mean activation q towards a target rate ρ.

Both are summed over latents and act on the mean over the batch; they are never divided by the batch size again.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..passes import Pass
from ..recipe import check
from ..schedules import Schedule, final
from .term import Term


def squared_rate(target: float, q: Tensor) -> Tensor:
    """Return (q - ρ)² of each mean activation q."""
    return (q - target).square()


def kl(target: float, q: Tensor) -> Tensor:
    """Return ρ log(ρ/q) + (1-ρ) log((1-ρ)/(1-q)) of each mean activation q, in nats; infinite at q = 0 and 1."""
    return target * (target / q).log() + (1 - target) * ((1 - target) / (1 - q)).log()


@dataclass(frozen=True)
class RateTerm(Term):
    """A penalty on each latent's mean activation; 0 < rate < 1, the codes in (0, 1)."""

    rate: float | Schedule

    needs = frozenset({"values in (0, 1)"})
    usual_weight = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "rate", 0, 1, "()")


@dataclass(frozen=True)
class SquaredRate(RateTerm):
    """Σ_l (q_l - ρ)²: the textbook's first idea of a sparsity loss."""

    name = "squared_rate"

    def __call__(self, p: Pass) -> Tensor:
        """Return Σ_l (q_l - ρ)²."""
        return p.sum(squared_rate(final(self.rate), p.mean_activation))


@dataclass(frozen=True)
class KL(RateTerm):
    """Σ_l ρ log(ρ/q_l) + (1-ρ) log((1-ρ)/(1-q_l)): the divergence of Bernoulli(q) from Bernoulli(ρ), in nats.

    Its gradient is far steeper than the squared error's where q is far from ρ (Ng, 2011; Géron, 2017).
    """

    name = "kl"

    def __call__(self, p: Pass) -> Tensor:
        """Return Σ_l ρ log(ρ/q_l) + (1-ρ) log((1-ρ)/(1-q_l))."""
        q = p.mean_activation
        tiny = torch.finfo(q.dtype).eps
        # clamp the value only: a latent that has saturated still feels the pull back
        q = q + (q.clamp(tiny, 1 - tiny) - q).detach()
        return p.sum(kl(final(self.rate), q))
