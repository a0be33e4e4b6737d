"""The network of an image denoiser for the page's section "Try the denoiser", as numbers for html/try_denoiser.js."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...core.uniform import Uniform
from ...corruption import Corruption, Gaussian
from ...inference.images import OVERLAPS, denoise_image
from ...model import Autoencoder, InferenceModule
from ...model.residual_denoiser import Convolutions, ResidualDenoiser
from .try_it import (
    MAX_CHARACTERS,
    PageModel,
    as_float16,
    as_float32,
    exclusion_reason,
    plain_model,
    rounded_to_float16,
    used_activations,
    vector,
    weights_reason,
)

# From Python's result. With weights of float16 that are farther, float32 is taken if it fits.
MAX_DIFFERENCE = 0.25 / 255
MAX_TESTED = 96  # side of the image on which this is measured, in pixels
NOISE, MAX_NOISE = 0.1, 0.3  # standard deviation of the noise that is added at first, if the training's is not known


@dataclass(frozen=True, repr=False)
class TryDenoiser(PageModel):
    """A network that denoises images, as a page holds it.

    Parameters
    ----------
    kind : {"residual", "windows"}
        Whether the network takes images of any size, or windows of the size of a patch.
    channels : int
        1 (grey) or 3 (colour).
    side, step : int
        Side of the windows and how far they lie apart, in pixels; 0 of a residual network.
    network : dict
        The network, as try_denoiser.js reads it.
    activations : dict of str to str
        The activation functions that the network uses: name, JavaScript.
    noise, max_noise : float
        Standard deviation of the noise that is added at first, and the largest, on the scale from 0 to 1.
    max_error : float
        The largest difference between the page's and Python's result on an image, on the same scale; 0 if the page
        holds the weights in float32.
    parameters : int
        The number of weights.
    """

    kind: str
    channels: int
    side: int
    step: int
    network: dict[str, Any]
    activations: dict[str, str]
    noise: float
    max_noise: float
    max_error: float
    parameters: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def denoiser_exclusion_reason(model: Autoencoder, *, max_characters: int = MAX_CHARACTERS) -> str | None:
    """Return why a page cannot hold and compute a denoiser of images, as a clause; None if it can."""
    if not isinstance(model, ResidualDenoiser):
        return exclusion_reason(model, max_characters=max_characters)
    return weights_reason(model, _characters(model, 2), max_characters, "network")


def try_denoiser(
    model: Autoencoder,
    shape: tuple[int, ...],
    corruption: Corruption,
    noisy: NDArray[np.float32],
    *,
    max_characters: int = MAX_CHARACTERS,
) -> TryDenoiser | None:
    """Return a denoiser of images as a page holds it; None if the page cannot hold it.

    Parameters
    ----------
    model : Autoencoder
        The network.
    shape : tuple of int
        The shape of a patch, (side, side) or (side, side, 3).
    corruption : Corruption
        That of the training.
    noisy : array [height, width, channels]
        An image from 0 to 1 with noise, on which the error by rounded weights is measured.
    max_characters : int, default=2_000_000
        Characters that the network's numbers may take in the page.
    """
    if denoiser_exclusion_reason(model, max_characters=max_characters) is not None:
        return None
    model = copy.deepcopy(model).cpu()
    error = _float16_error(model, shape, noisy[:MAX_TESTED, :MAX_TESTED])
    exact = error > MAX_DIFFERENCE and _characters(model, 4) <= max_characters
    matrix = as_float32 if exact else as_float16
    residual, noise = isinstance(model, ResidualDenoiser), _noise(corruption)
    return TryDenoiser(
        kind="residual" if residual else "windows",
        channels=1 if len(shape) == 2 else shape[2],
        side=0 if residual else shape[0],
        step=0 if residual else max(shape[0] // OVERLAPS, 1),
        network=_plain_residual(model, matrix)
        if isinstance(model, ResidualDenoiser)
        else plain_model(InferenceModule(model), model, matrix),
        activations={} if residual else {each.name: each.javascript or "" for each in used_activations(model)},
        noise=noise,
        max_noise=max(MAX_NOISE, 2 * noise),
        max_error=0.0 if exact else error,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
    )


def _noise(corruption: Corruption) -> float:
    """Return the mean standard deviation of the training's Gaussian noise, or one that is usual."""
    std = corruption.at(1.0).std if isinstance(corruption, Gaussian) else None
    return (std.low + std.high) / 2 if isinstance(std, Uniform) else std if isinstance(std, float | int) else NOISE


def _weights(model: Autoencoder) -> list[nn.Parameter]:
    """Return the matrices and kernels that the page may hold in float16."""
    if isinstance(model, ResidualDenoiser):
        return model.weights
    return list({id(layer.weight): layer.weight for layer in chain(*model.layers)}.values())


def _characters(model: Autoencoder, weight_bytes: int) -> int:
    """Return how many characters the network's weights take: base64 writes 3 bytes as 4."""
    return sum(weight.numel() for weight in _weights(model)) * weight_bytes * 4 // 3


@torch.no_grad()
def _float16_error(model: Autoencoder, shape: tuple[int, ...], noisy: NDArray[np.float32]) -> float:
    """Return the largest difference in a denoised image if weights are in float16."""
    rounded = copy.deepcopy(model)
    for weight in _weights(rounded):
        weight.copy_(rounded_to_float16(weight))
    first, second = (denoise_image(each, noisy, shape, None) for each in (model, rounded))
    return float(np.abs(first - second).max())


def _plain_residual(model: ResidualDenoiser, matrix: Callable[[Tensor], dict[str, Any]]) -> dict[str, Any]:
    """Return the convolutions as steps, and the scaling of each channel."""
    channels = 3 if len(model.layout.image or ()) == 3 else 1
    names = ("shift", "scale", "target_shift", "target_scale")
    steps = [
        {"does": does} if weight is None else {"does": does, "shape": list(weight.shape), "weight": matrix(weight)}
        for does, weight in convolution_steps(model.convolutions)
    ]
    scaling = {name: vector(getattr(model, name)[:channels], "<f8") for name in names}
    return {"factor": model.convolutions.factors[0], "steps": steps, **scaling}


def convolution_steps(convolutions: Convolutions) -> Iterator[tuple[str, Tensor | None]]:
    """Yield step by step what convolutions do to an image that was taken apart into half as high and half as wide ones.

    Yields
    ------
    does : {"conv", "relu", "keep", "add", "down", "up"}
        A convolution with kernels of 3 × 3; the positive part; the image is kept aside; the image that was kept last is
        added; a convolution that halves height and width; the transposed one, which doubles them.
    weight : Tensor or None
        Its kernels.

    Examples
    --------
    >>> from taciturn.model.networks.residual import ResidualNetwork
    >>> steps = convolution_steps(Convolutions(ResidualNetwork((4, 8), 1), 1, None))
    >>> " ".join(does for does, _ in steps)  # doctest: +NORMALIZE_WHITESPACE
    'conv keep conv relu conv add keep down keep conv relu conv add up add keep conv relu conv add conv'
    """
    sides = iter(convolutions.sides)
    yield "conv", convolutions.first.weight
    for down in convolutions.down:
        yield from _block_steps(next(sides))
        yield "keep", None
        yield "down", down.weight  # type: ignore[misc]
    yield from _block_steps(next(sides))
    for up in convolutions.up:
        yield "up", up.weight  # type: ignore[misc]
        yield "add", None
        yield from _block_steps(next(sides))
    yield "conv", convolutions.last.weight


def _block_steps(blocks: nn.Module) -> Iterator[tuple[str, Tensor | None]]:
    for block in blocks.children():
        yield from (("keep", None), ("conv", block.inner.weight), ("relu", None))  # type: ignore[misc, union-attr]
        yield from (("conv", block.outer.weight), ("add", None))  # type: ignore[misc, union-attr]
