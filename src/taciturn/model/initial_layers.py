"""The layers of a new autoencoder, with drawn weights."""

from itertools import pairwise
from math import prod

import torch
import torch.nn.functional as F
from torch import nn

from ..core.seeds import normal_rows
from .coding_layers import CodingLayer
from .layers import Affine, Convolution, Layer
from .layout import Layout
from .networks.conv import STRIDE
from .networks.network import ImageShape

Layers = tuple[list[Layer], list[Layer]]


def new_layers(layout: Layout, rng: torch.Generator | None, part: tuple[int, int] | None = None) -> Layers:
    """Return the layers of the encoder and of the decoder.

    Parameters
    ----------
    layout : Layout
        Widths, activations and how the decoder mirrors the encoder.
    rng : torch.Generator or None
        Draws every weight, the encoder's first; None: they are not initialised.
    part : tuple of (int, int), optional
        The first latent of this process, and the one after its last; None: all latents.

    Examples
    --------
    >>> from taciturn.model.coding_layers import ReLU
    >>> encoder, decoder = new_layers(Layout((64, 30, 15), ReLU()), torch.Generator().manual_seed(0))
    >>> [tuple(layer.weight.shape) for layer in (*encoder, *decoder)]
    [(30, 64), (15, 30), (15, 30), (30, 64)]
    """
    activations = [layout.hidden] * (len(layout.widths) - 2) + [layout.coder]
    shapes = list(pairwise(layout.network.shapes(layout.image or ())))
    encoder: list[Layer] = []
    for i, ((n_in, n_out), activation) in enumerate(zip(pairwise(layout.widths), activations, strict=True)):
        if i < len(shapes):
            weight = _kernels(layout, *shapes[i], activation, rng)
            encoder.append(Convolution(weight, *shapes[i], weight.shape[0]))
        else:
            own = part if i == len(activations) - 1 else None
            weight = drawn((n_out, n_in), activation.init_std(n_in, n_out), rng, own)
            encoder.append(Affine(weight, len(weight)))
    if layout.norm is not None and rng is not None:
        last = encoder[-1].weight.data
        last.copy_(layout.norm * F.normalize(last, dim=1))
    before = list(zip(encoder, [layout.output, *activations[:-1]], strict=True))
    return encoder, [_mirror(layer, layout, encoder, activation, rng, part) for layer, activation in reversed(before)]


def _mirror(
    layer: Layer,
    layout: Layout,
    encoder: list[Layer],
    activation: CodingLayer,
    rng: torch.Generator | None,
    part: tuple[int, int] | None,
) -> Layer:
    """Return the decoder's layer that mirrors a layer of the encoder, with the activation that follows it."""
    if isinstance(layer, Convolution):
        large, small = layer.large, layer.small
        weight = layer.weight if layout.tied else _kernels(layout, large, small, activation, rng, mirrored=True)
        return Convolution(weight, large, small, layout.widths[0] if layer is encoder[0] else large[2])
    n_in, n_out = layer.weight.shape
    n_in, part = (layout.widths[-1], part) if layer is encoder[-1] else (n_in, None)
    starts_as_transpose = layout.coder.transpose_initialised or layout.centred or layout.norm
    if layout.tied:
        weight = layer.weight
    elif layout.outputs and layer is encoder[0]:
        n_out = layout.outputs
        weight = drawn((n_in, n_out), activation.init_std(n_in, n_out), rng, part)
        if layout.norm is not None and rng is not None and layer is encoder[-1]:
            weight.data.copy_(layout.norm * F.normalize(weight.data, dim=1))
    elif starts_as_transpose and layer is encoder[-1]:
        weight = nn.Parameter(layer.weight.detach().clone())
    else:
        weight = drawn((n_in, n_out), activation.init_std(n_in, n_out), rng, part)
    return Affine(weight, n_out)


def _kernels(
    layout: Layout,
    large: ImageShape,
    small: ImageShape,
    activation: CodingLayer,
    rng: torch.Generator | None,
    *,
    mirrored: bool = False,
) -> nn.Parameter:
    """Return the kernels [small channels, large channels, height, width] between images of two sizes."""
    size = layout.network.square(layout.network.kernel)  # type: ignore[attr-defined]
    # how many numbers a result is the sum of: of a transposed convolution, every second place in each direction is 0
    n_large, n_small = large[2] * prod(size), small[2] * prod(size) // STRIDE**layout.network.axes
    n_in, n_out = (n_small, n_large) if mirrored else (n_large, n_small)
    return drawn((small[2], large[2], *size), activation.init_std(n_in, n_out), rng)


def drawn(
    shape: tuple[int, ...], std: float, rng: torch.Generator | None, part: tuple[int, int] | None = None
) -> nn.Parameter:
    """Return a weight drawn from N(0, std²), or one that is not initialised; with `part` some of its rows alone."""
    start, stop = part or (0, shape[0])
    if rng is None:
        return nn.Parameter(torch.empty(stop - start, *shape[1:]))
    whole = stop - start == shape[0]
    weight = torch.randn(shape, generator=rng) if whole else normal_rows(shape[0], shape[1], rng, (start, stop))
    return nn.Parameter(weight.mul_(std))
