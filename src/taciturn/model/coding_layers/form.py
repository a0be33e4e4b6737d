"""The computation of a trained coding layer at inference, in torch operators alone.

Other programs compute codes from these forms: a report's page does it in JavaScript. In all of them p is the encoder's
product of a row [L], without the encoder's bias, and z = p + bias are the pre-activations.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Form(nn.Module):
    """The base class of all forms: a module that maps products [B, L] and the encoder's bias [L] to codes [B, L]."""


class TopForm(Form):
    """Codes are max(z, 0) for the k largest pre-activations of a row, else 0.

    Parameters
    ----------
    k : int, at least 1
        Codes per row; a k above the number of latents keeps all.
    signed : bool
        Select the k largest absolute values instead, and keep their signs: codes are z there.

    Examples
    --------
    >>> TopForm(k=2, signed=False)(torch.tensor([[3.0, -4.0, 1.0, 2.0]]), torch.zeros(4))
    tensor([[3., 0., 0., 2.]])
    """

    def __init__(self, k: int, signed: bool) -> None:
        super().__init__()
        self.k, self.signed = k, signed

    def forward(self, product: Tensor, bias: Tensor) -> Tensor:
        """Return codes [B, L] for products [B, L] and the encoder's bias [L]."""
        z = product + bias
        sizes = z.abs() if self.signed else z
        kept = sizes.topk(min(self.k, z.shape[1]), dim=1)
        values = z.gather(1, kept.indices) if self.signed else kept.values.relu()
        return torch.zeros_like(z).scatter(1, kept.indices, values)


class ThresholdForm(Form):
    """Codes are z where z > threshold, else 0.

    Parameters
    ----------
    threshold : Tensor [L]
        One threshold per latent, 0 or more, in units of pre-activations.

    Examples
    --------
    >>> ThresholdForm(torch.tensor([0.5, 0.0]))(torch.tensor([[0.4, 0.4]]), torch.zeros(2))
    tensor([[0.0000, 0.4000]])
    """

    threshold: Tensor

    def __init__(self, threshold: Tensor) -> None:
        super().__init__()
        self.register_buffer("threshold", threshold.detach().clone())

    def forward(self, product: Tensor, bias: Tensor) -> Tensor:
        """Return codes [B, L] for products [B, L] and the encoder's bias [L]."""
        z = product + bias
        return torch.where(z <= self.threshold, torch.zeros_like(z), z)  # NaN stays NaN


class GateForm(Form):
    """Codes are max(scale · p + bias, 0) where z > 0, else 0.

    Parameters
    ----------
    scale : Tensor [L]
        Greater than 0.
    bias : Tensor [L]
        The bias of the codes' size, not the encoder's, which is part of z only.

    Examples
    --------
    >>> GateForm(torch.ones(2), torch.ones(2))(torch.tensor([[2.0, -2.0]]), torch.zeros(2))
    tensor([[3., 0.]])
    """

    scale: Tensor
    bias: Tensor

    def __init__(self, scale: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale.detach().clone())
        self.register_buffer("bias", bias.detach().clone())

    def forward(self, product: Tensor, bias: Tensor) -> Tensor:
        """Return codes [B, L] for products [B, L] and the encoder's bias [L]."""
        size = (product * self.scale + self.bias).relu()
        return torch.where(product + bias <= 0, torch.zeros_like(size), size)  # NaN stays NaN


class ElementwiseForm(Form):
    """Codes are an activation function of each pre-activation.

    Parameters
    ----------
    activation : str
        The name of the recipe: "identity", "relu", "elu", "tanh" or "sigmoid".
    active_above : float or None
        A latent counts as active where its code is greater than this; None: where it is not 0.
    function : callable
        The activation function, of a tensor of any shape.

    Examples
    --------
    >>> ElementwiseForm("relu", None, torch.relu)(torch.tensor([[2.0, -2.0]]), torch.ones(2))
    tensor([[3., 0.]])
    """

    def __init__(self, activation: str, active_above: float | None, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.activation, self.active_above, self.function = activation, active_above, function

    def forward(self, product: Tensor, bias: Tensor) -> Tensor:
        """Return codes [B, L] for products [B, L] and the encoder's bias [L]."""
        return self.function(product + bias)
