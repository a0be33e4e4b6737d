"""How a trained coding layer turns pre-activations into codes, as numbers that other programs can compute with.

A report's page computes codes from these forms in JavaScript.
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class TopForm:
    """Keep the k largest pre-activations of a row, ReLU'd; if `signed` the k largest magnitudes, with their signs."""

    k: int
    signed: bool


@dataclass(frozen=True, eq=False)
class ThresholdForm:
    """Keep a pre-activation where it is greater than its latent's threshold [L], else 0."""

    threshold: Tensor


@dataclass(frozen=True, eq=False)
class GateForm:
    """Where a pre-activation z = p + b is positive, max(scale · p + bias, 0) with the product p, else 0; both [L]."""

    scale: Tensor
    bias: Tensor


@dataclass(frozen=True)
class ElementwiseForm:
    """Apply the activation of this name to every pre-activation; a code counts as active above `active_above`."""

    activation: str
    active_above: float | None


Form = TopForm | ThresholdForm | GateForm | ElementwiseForm
