"""Penalties on the distance of each latent's mean activation q from a target rate ρ.

They are summed over latents and act on the mean over the batch; they are never divided by the batch size again. With a
written weight, a penalty acts on the codes of the corrupted rows, as in the textbook. With an adjusted weight ("auto")
the target holds for the codes that `encode` returns, so the penalty acts on the codes of the clean rows: under noise
the two means differ.
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

MAX_RATE = 1 - 1e-6


def squared_rate(rate: Number, q: Tensor) -> Tensor:
    """Return the squared distance of each mean activation from a target rate.

    Parameters
    ----------
    rate : float or scalar Tensor
        The target rate ρ.
    q : Tensor, any shape
        Mean activations.

    Returns
    -------
    Tensor, shape of q
        (q - ρ)².

    Examples
    --------
    >>> squared_rate(0.5, torch.tensor([0.5, 1.0]))
    tensor([0.0000, 0.2500])
    """
    return (q - rate).square()


def kl(rate: Number, q: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence between a target rate and each mean activation, in nats.

    Parameters
    ----------
    rate : float or scalar Tensor, in (0, 1)
        The target rate ρ.
    q : Tensor, any shape, in (0, 1)
        Mean activations.

    Returns
    -------
    Tensor, shape of q
        ρ log(ρ/q) + (1-ρ) log((1-ρ)/(1-q)): of Bernoulli(q) from Bernoulli(ρ). It is infinite at q = 0 and q = 1.

    Examples
    --------
    >>> kl(0.1, torch.tensor([0.1, 0.3])).round(decimals=4).abs()
    tensor([0.0000, 0.1163])
    """
    if isinstance(rate, Tensor):
        negative_entropy: Number = rate * rate.log() + (1 - rate) * (-rate).log1p()
    else:
        negative_entropy = rate * math.log(rate) + (1 - rate) * math.log1p(-rate)
    return negative_entropy - rate * q.log() - (1 - rate) * (-q).log1p()


@dataclass(frozen=True)
class RateTerm(Term):
    """A penalty Σ_l cost(ρ, q_l) on the distance of each latent's mean activation q_l from a target rate ρ.

    The codes must lie in (0, 1). A subclass implements `cost` and `marginal`.

    Parameters
    ----------
    rate : float or Schedule, in (0, 1)
        The target rate ρ: the mean code over rows.
    weight : float or Schedule, 0 or more, or "auto", optional
        See Term; None is "auto".

    Examples
    --------
    >>> term = Term.parse("kl:0.05")
    >>> isinstance(term, RateTerm), term.target_value, term.controlled
    (True, 0.05, True)
    """

    rate: float | Schedule

    requires = frozenset({Capability.UNIT_INTERVAL_CODES})
    target_kind = "rate"
    aim_offset = 0.02
    has_gradient = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "rate", 0, 1, "()")

    @abstractmethod
    def cost(self, rate: Number, q: Tensor) -> Tensor:
        """Return each latent's penalty [L], given its mean activation q [L]."""

    @abstractmethod
    def marginal(self, rate: Number, q: Tensor) -> tuple[Tensor, Tensor]:
        """Return each latent's penalty [L] and its derivative in q [L], given its mean activation q [L]."""

    def value_and_gradient(self, p: Pass, weight: Number = 1.0, aim: Number = 1.0) -> tuple[Tensor, Tensor]:
        """Return Σ_l cost(aim · ρ, q_l), and weight times its gradient in a row's codes [L], the same for all rows."""
        cost, marginal = self.marginal(self.aimed_rate(aim), p.mean_activation)
        return p.sum(cost), marginal.mul_(weight / p.n_rows)

    def __call__(self, p: Pass) -> Tensor:
        """Return Σ_l cost(ρ, q_l)."""
        return p.sum(self.cost(final(self.rate), p.mean_activation))

    @property
    def target_value(self) -> float:
        """The target rate, at the end of a schedule."""
        return final(self.rate)

    def measured(self, p: Pass) -> Tensor:
        """Return the mean over latents of their mean activations on the clean rows of the global batch."""
        return p.sum(p.clean.mean_activation) / p.n_latents

    def penalised(self, p: Pass, aim: float) -> Tensor:
        """Return Σ_l cost(aim · ρ, q_l) of the clean rows."""
        return p.sum(self.cost(self.aimed_rate(aim), p.clean.mean_activation))

    def aimed_rate(self, aim: Number) -> Number:
        """Return aim · ρ, limited to just below 1; the aim may lie above the target."""
        aimed = aim * self.target_value
        return aimed.clamp(max=MAX_RATE) if isinstance(aimed, Tensor) else min(aimed, MAX_RATE)

    @torch.no_grad()
    def calibrate(self, model: Model, x: Tensor, *, each: bool) -> None:
        """Shift the latents' biases so that the mean activation on rows x is the target rate.

        By bisection: a mean activation rises with its bias. `each`: every latent's mean; else the mean of all. The
        bounds are ±50, doubled until they exceed the largest absolute pre-activation by 20: codes are then 0 and 1.
        """
        pre_BL = model.refined_pre(x).dense()
        largest = min(model.latents.max(pre_BL.abs().max()).item(), torch.finfo(pre_BL.dtype).max / 4)
        bound = 50.0 * 2.0 ** max(math.ceil(math.log2((largest + 20) / 50)), 0)
        low, high = (pre_BL.new_full((pre_BL.shape[1] if each else 1,), end) for end in (-bound, bound))
        for _ in range(50):
            middle = (low + high) / 2
            if bool(((middle == low) | (middle == high)).all()):  # no number lies between
                break
            rate_L = model.activate(pre_BL + middle).mean(0)
            too_high = (rate_L if each else model.latents.sum(rate_L.sum()) / model.n_latents) > self.target_value
            low, high = torch.where(too_high, low, middle), torch.where(too_high, middle, high)
        model.shift_biases((low + high) / 2)


@dataclass(frozen=True)
class SquaredRate(RateTerm):
    """The penalty Σ_l (q_l - ρ)² on each latent's mean activation q_l: the textbook's first sparsity loss.

    Parameters
    ----------
    rate : float or Schedule, in (0, 1)
        The target rate ρ.
    weight : float or Schedule, 0 or more, or "auto", optional
        See Term; None is "auto".

    Examples
    --------
    >>> SquaredRate(0.5).cost(0.5, torch.tensor([0.5, 1.0]))
    tensor([0.0000, 0.2500])
    """

    name = "squared_rate"

    def cost(self, rate: Number, q: Tensor) -> Tensor:
        """Return (q - ρ)² [L]."""
        return squared_rate(rate, q)

    def marginal(self, rate: Number, q: Tensor) -> tuple[Tensor, Tensor]:
        """Return (q - ρ)² and 2 (q - ρ), both [L]."""
        excess = q - rate
        return excess.square(), 2 * excess


@dataclass(frozen=True)
class KL(RateTerm):
    """The penalty Σ_l ρ log(ρ/q_l) + (1-ρ) log((1-ρ)/(1-q_l)) on each latent's mean activation q_l, in nats.

    Parameters
    ----------
    rate : float or Schedule, in (0, 1)
        The target rate ρ.
    weight : float or Schedule, 0 or more, or "auto", optional
        See Term; None is "auto".

    Notes
    -----
    It is the divergence of Bernoulli(q) from Bernoulli(ρ) (Ng, 2011; Géron, 2017). Its gradient is far steeper than
    the squared distance's where q is far from ρ. For the value, q is limited to [ε, 1 - ε] with the ε of its dtype; the
    gradient is that at the limit, so that a saturated latent still has one.

    Examples
    --------
    >>> KL(0.1).cost(0.1, torch.tensor([0.3])).round(decimals=4)
    tensor([0.1163])
    """

    name = "kl"

    def cost(self, rate: Number, q: Tensor) -> Tensor:
        """Return ρ log(ρ/q) + (1-ρ) log((1-ρ)/(1-q)) [L]."""
        # clamps the value and not the gradient, which must reach saturated latents
        return kl(rate, q + (_inside(q) - q).detach())

    def marginal(self, rate: Number, q: Tensor) -> tuple[Tensor, Tensor]:
        """Return ρ log(ρ/q) + (1-ρ) log((1-ρ)/(1-q)) and (q-ρ) / (q (1-q)), both [L]."""
        q = _inside(q)
        return kl(rate, q), (q - rate) / torch.addcmul(q, q, q, value=-1)


def _inside(q: Tensor) -> Tensor:
    """Return q clamped to [ε, 1 - ε], with the ε of its dtype."""
    tiny = torch.finfo(q.dtype).eps
    return q.clamp(tiny, 1 - tiny)
