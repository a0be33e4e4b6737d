"""The computation of a trained coding layer as plain numbers, for programs without torch.

A report's page computes codes from these forms in JavaScript. In all of them z is a row's pre-activations [L].
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class TopForm:
    """Codes are max(z, 0) for the k largest pre-activations of a row, else 0.

    Parameters
    ----------
    k : int, at least 1
        Codes per row; a k above the number of latents keeps all.
    signed : bool
        Select the k largest absolute values instead, and keep their signs: codes are z there.

    Examples
    --------
    >>> TopForm(k=2, signed=False).k
    2
    """

    k: int
    signed: bool


@dataclass(frozen=True, eq=False)
class ThresholdForm:
    """Codes are z where z > threshold, else 0.

    Parameters
    ----------
    threshold : Tensor [L]
        One threshold per latent, 0 or more, in units of pre-activations.

    Examples
    --------
    >>> import torch
    >>> ThresholdForm(torch.tensor([0.5, 0.0])).threshold.shape
    torch.Size([2])
    """

    threshold: Tensor


@dataclass(frozen=True, eq=False)
class GateForm:
    """Codes are max(scale · p + bias, 0) where z > 0, else 0; p is z without the encoder's bias.

    Parameters
    ----------
    scale : Tensor [L]
        Greater than 0.
    bias : Tensor [L]
        The bias of the codes' size, not the encoder's, which is part of z only.

    Examples
    --------
    >>> import torch
    >>> GateForm(scale=torch.ones(2), bias=torch.zeros(2)).scale.shape
    torch.Size([2])
    """

    scale: Tensor
    bias: Tensor


@dataclass(frozen=True)
class ElementwiseForm:
    """Codes are an activation function of each pre-activation.

    Parameters
    ----------
    activation : str
        The name of the recipe: "identity", "relu", "elu", "tanh" or "sigmoid".
    active_above : float or None
        A latent counts as active where its code is greater than this; None: where it is not 0.

    Examples
    --------
    >>> ElementwiseForm("sigmoid", active_above=0.5).activation
    'sigmoid'
    """

    activation: str
    active_above: float | None


Form = TopForm | ThresholdForm | GateForm | ElementwiseForm
