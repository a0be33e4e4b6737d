"""Elementwise activations: identity, ReLU, ELU, tanh and sigmoid, for coding, hidden and output layers."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..capability import Capability
from ..codes import Codes, Dense
from ..pre_activations import PreActivations
from .coding_layer import CodingLayer
from .form import ElementwiseForm, Form


@dataclass(frozen=True)
class Elementwise(CodingLayer):
    """A coding layer that applies one activation function y = f(z) to every pre-activation.

    The same recipes are the activations of hidden and output layers. A subclass implements `activate` and `gradient`.

    Attributes
    ----------
    bounds : tuple of (float, float)
        The infimum and supremum of the activation's values.
    javascript : str or None
        The function in JavaScript, for a report's page; without it a page cannot compute the codes.

    Examples
    --------
    >>> Elementwise.parse("relu").activate(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    javascript: ClassVar[str | None] = None

    @abstractmethod
    def activate(self, pre: Tensor) -> Tensor:
        """Return the activation y of an array of any shape."""

    @abstractmethod
    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return the gradient in z, given the values y of the activation and the gradient `up` in y; all one shape."""

    def inverse(self, values: Tensor) -> Tensor:
        """Return pre-activations [D] with which an output layer starts at these values; here the values themselves."""
        return values

    def __call__(self, pre: PreActivations, state: nn.Module) -> Codes:
        """Return the activation of all pre-activations, dense."""
        return Dense(self.activate(pre.dense()))

    def form(self, state: nn.Module, n_latents: int) -> Form:
        """Return the elementwise form."""
        return ElementwiseForm(self.name, self.active_above, self.activate)

    def init_std(self, n_in: int, n_out: int) -> float:
        """Return the standard deviation of initial weights by Glorot and Bengio (2010): √(2 / (n_in + n_out))."""
        return math.sqrt(2 / (n_in + n_out))


@dataclass(frozen=True)
class Identity(Elementwise):
    """The identity: y = z.

    Examples
    --------
    >>> Identity().activate(torch.tensor([-1.0, 2.0]))
    tensor([-1.,  2.])
    """

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
    """The hyperbolic tangent: y = tanh(z), in (-1, 1).

    Examples
    --------
    >>> Tanh().activate(torch.tensor([0.0, 100.0]))
    tensor([0., 1.])
    """

    name = "tanh"
    bounds = (-1.0, 1.0)
    javascript = "Math.tanh"

    def activate(self, pre: Tensor) -> Tensor:
        """Return tanh(pre)."""
        return pre.tanh()

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return up · (1 - y²)."""
        gradient: Tensor = torch.ops.aten.tanh_backward(up, values)
        return gradient


@dataclass(frozen=True)
class Sigmoid(Elementwise):
    """The logistic sigmoid: y = 1 / (1 + exp(-z)), in (0, 1).

    It is the textbook's coding layer under a rate penalty. A latent counts as active where its code is above 0.5.

    Examples
    --------
    >>> Sigmoid().activate(torch.tensor([0.0, 100.0]))
    tensor([0.5000, 1.0000])
    """

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
        gradient: Tensor = torch.ops.aten.sigmoid_backward(up, values)
        return gradient

    def inverse(self, values: Tensor) -> Tensor:
        """Return log(y / (1 - y)), with y clamped to [0.001, 0.999]."""
        return torch.logit(values, eps=1e-3)


@dataclass(frozen=True)
class ReLU(Elementwise):
    """The rectified linear unit: y = max(z, 0). A latent is active where its code is not 0.

    Examples
    --------
    >>> ReLU().activate(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    name = "relu"
    provides = frozenset({Capability.ZERO_CODES, Capability.RANKED_CODES})
    bounds = (0.0, math.inf)
    javascript = "(z) => Math.max(z, 0)"

    def activate(self, pre: Tensor) -> Tensor:
        """Return max(pre, 0)."""
        return pre.relu()

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return up where y > 0, else 0."""
        gradient: Tensor = torch.ops.aten.threshold_backward(up, values, 0)
        return gradient

    def init_std(self, n_in: int, n_out: int) -> float:
        """Return the standard deviation of initial weights by He et al. (2015): √(2 / n_in)."""
        return math.sqrt(2 / n_in)


@dataclass(frozen=True)
class ELU(Elementwise):
    """The exponential linear unit: y = z where z > 0, else exp(z) - 1 (Clevert et al., 2016).

    Examples
    --------
    >>> ELU().activate(torch.tensor([-100.0, 2.0]))
    tensor([-1.,  2.])
    """

    name = "elu"
    bounds = (-1.0, math.inf)
    javascript = "(z) => (z > 0 ? z : Math.expm1(z))"

    def activate(self, pre: Tensor) -> Tensor:
        """Return pre where it is positive, else exp(pre) - 1."""
        return F.elu(pre)

    def gradient(self, values: Tensor, up: Tensor) -> Tensor:
        """Return up where y > 0, else up · (y + 1)."""
        gradient: Tensor = torch.ops.aten.elu_backward(up, 1, 1, 1, True, values)
        return gradient

    def init_std(self, n_in: int, n_out: int) -> float:
        """Return the standard deviation of initial weights by He et al. (2015): √(2 / n_in)."""
        return math.sqrt(2 / n_in)
