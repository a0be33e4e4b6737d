"""Activations that look at each latent alone: identity, ReLU, ELU, tanh, sigmoid; also of hidden and output layers."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..capability import Capability
from ..codes import Codes, Dense, PreActivations
from .coding_layer import CodingLayer
from .form import ElementwiseForm, Form


@dataclass(frozen=True)
class Elementwise(CodingLayer):
    """An activation function applied to every pre-activation."""

    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)  # of its values
    javascript: ClassVar[str | None] = None  # the function for a report's page; without it a page cannot compute it

    @abstractmethod
    def activate(self, pre: Tensor) -> Tensor:
        """Return the activation of any array."""

    @abstractmethod
    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return `up` times the curve's derivative, known from its values: the gradient before from that after it."""

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the curve's values, dense."""
        return Dense(self.activate(pre.dense()))

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the elementwise form."""
        return ElementwiseForm(self.name, self.active_above)

    def init_std(self, n_in: int, n_out: int) -> float:
        """Return Glorot and Bengio's (2010) standard deviation √(2 / (n_in + n_out))."""
        return math.sqrt(2 / (n_in + n_out))


@dataclass(frozen=True)
class Identity(Elementwise):
    """z."""

    name = "identity"
    javascript = "(z) => z"

    def activate(self, pre: Tensor) -> Tensor:
        """Return pre itself."""
        return pre

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return up."""
        return up


@dataclass(frozen=True)
class Tanh(Elementwise):
    """tanh(z)."""

    name = "tanh"
    bounds = (-1.0, 1.0)
    javascript = "Math.tanh"

    def activate(self, pre: Tensor) -> Tensor:
        """Return tanh(pre)."""
        return pre.tanh()

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return up · (1 - y²)."""
        found: Tensor = torch.ops.aten.tanh_backward(up, values)
        return found


@dataclass(frozen=True)
class Sigmoid(Elementwise):
    """1 / (1 + exp(-z)): the textbook's coding layer under a rate penalty. A code above 0.5 counts as active."""

    name = "sigmoid"
    provides = frozenset({Capability.UNIT_INTERVAL_CODES})
    bounds = (0.0, 1.0)
    active_above = 0.5
    javascript = "(z) => 1 / (1 + Math.exp(-z))"

    def activate(self, pre: Tensor) -> Tensor:
        """Return 1 / (1 + exp(-pre))."""
        return pre.sigmoid()

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return up · y (1 - y)."""
        found: Tensor = torch.ops.aten.sigmoid_backward(up, values)
        return found


@dataclass(frozen=True)
class ReLU(Elementwise):
    """max(z, 0)."""

    name = "relu"
    provides = frozenset({Capability.ZERO_CODES, Capability.RANKED_CODES})
    bounds = (0.0, math.inf)
    javascript = "(z) => Math.max(z, 0)"

    def activate(self, pre: Tensor) -> Tensor:
        """Return max(pre, 0)."""
        return pre.relu()

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return up where y > 0."""
        found: Tensor = torch.ops.aten.threshold_backward(up, values, 0)
        return found

    def init_std(self, n_in: int, n_out: int) -> float:
        """Return He et al.'s (2015) standard deviation √(2 / n_in)."""
        return math.sqrt(2 / n_in)


@dataclass(frozen=True)
class ELU(Elementwise):
    """z where positive, else exp(z) - 1 (Clevert et al., 2016)."""

    name = "elu"
    bounds = (-1.0, math.inf)
    javascript = "(z) => (z > 0 ? z : Math.expm1(z))"

    def activate(self, pre: Tensor) -> Tensor:
        """Return pre or exp(pre) - 1."""
        return F.elu(pre)

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return up, times y + 1 where y ≤ 0."""
        found: Tensor = torch.ops.aten.elu_backward(up, 1, 1, 1, True, values)
        return found

    def init_std(self, n_in: int, n_out: int) -> float:
        """Return He et al.'s (2015) standard deviation √(2 / n_in)."""
        return math.sqrt(2 / n_in)
