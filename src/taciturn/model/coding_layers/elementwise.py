"""Activations that look at each latent alone: identity, ReLU, ELU, tanh, sigmoid; also of hidden and output layers."""

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..codes import Codes, Dense, PreActivations
from .coding_layer import CodingLayer


@dataclass(frozen=True)
class Elementwise(CodingLayer):
    """A curve applied to every pre-activation."""

    @abstractmethod
    def activate(self, pre: Tensor) -> Tensor:
        """Return the activation of any array."""

    @abstractmethod
    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return `up` times the curve's derivative, known from its values: the gradient before from that after it."""

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the curve's values, dense."""
        return Dense(self.activate(pre.dense()))

    def init_std(self, n_in: int, n_out: int) -> float:
        """Return Glorot and Bengio's (2010) standard deviation √(2 / (n_in + n_out))."""
        return math.sqrt(2 / (n_in + n_out))


@dataclass(frozen=True)
class Identity(Elementwise):
    """z."""

    name = "identity"
    provides = frozenset({"any value"})

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

    def activate(self, pre: Tensor) -> Tensor:
        """Return tanh(pre)."""
        return pre.tanh()

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return up · (1 - y²)."""
        found: Tensor = torch.ops.aten.tanh_backward(up, values)
        return found


@dataclass(frozen=True)
class Sigmoid(Elementwise):
    """1 / (1 + exp(-z)): the textbook's coding layer under a rate penalty. A latent is at work above 0.5."""

    name = "sigmoid"
    provides = frozenset({"values in (0, 1)"})
    at_work = "above 0.5"

    def activate(self, pre: Tensor) -> Tensor:
        """Return 1 / (1 + exp(-pre))."""
        return pre.sigmoid()

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return up · y (1 - y)."""
        found: Tensor = torch.ops.aten.sigmoid_backward(up, values)
        return found

    def active_counts(self, codes: Codes) -> Tensor:
        """Return in how many rows each latent is above 0.5 [L]."""
        return (codes.dense() > 0.5).sum(0)


@dataclass(frozen=True)
class ReLU(Elementwise):
    """max(z, 0)."""

    name = "relu"
    provides = frozenset({"zeros", "ranking"})

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
