"""The kernels of a network's first convolution, as filters of pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model.layers import Convolution
from ...model.networks.residual import SCALE
from ...model.residual_denoiser import ResidualDenoiser
from .numbers import ShortRepr
from .study import Study

MAX_DRAWN = 256  # filters, those with the largest norms


@dataclass(frozen=True, eq=False, repr=False)
class Filters(ShortRepr):
    """The filters of the first convolution, the largest norm first.

    Parameters
    ----------
    channels : list of int
        The number of the channel that each filter makes.
    norms : list of float
        Their norms.
    height, width : int
        Of a filter, in pixels of the image.
    step : int
        How far two places at which a filter is applied lie apart, in pixels.
    kernels : array [n, height, width, colours]
        Their weights, at most 256; report.json does not hold them.
    """

    channels: list[int]
    norms: list[float]
    height: int
    width: int
    step: int
    kernels: NDArray[np.float64]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the kernels."""
        names = ("channels", "norms", "height", "width", "step")
        return {name: getattr(self, name) for name in names}


def measure(study: Study) -> Filters | None:
    """Return the filters of a report's model; None if its first layer is not a convolution, or is one along time."""
    model = study.model
    if model.layout.network.axes == 1:
        return None
    if isinstance(model, ResidualDenoiser):
        kernels = of_whole_pixels(model.convolutions.first.weight.detach().cpu().double().numpy())
    elif len(model.layers[0]) and isinstance(first := model.layers[0][0], Convolution):
        kernels = first.weight.detach().cpu().double().numpy().transpose(0, 2, 3, 1)
    else:
        return None
    norms = np.sqrt(np.square(kernels).sum((1, 2, 3)))
    order = np.argsort(-norms, kind="stable")
    height, width = kernels.shape[1:3]
    return Filters(order.tolist(), norms[order].tolist(), height, width, SCALE, kernels[order[:MAX_DRAWN]])


def of_whole_pixels(kernels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return kernels on an image that was taken apart into half as high and half as wide ones as kernels on the image.

    Parameters
    ----------
    kernels : array [n, 4 colours, k, k]
        The channels are those of torch's pixel_unshuffle: the colour, then the line and the column within 2 × 2 pixels.

    Returns
    -------
    array [n, 2 k, 2 k, colours]
        Applied at each second pixel of each second line.
    """
    n, parts, side, _ = kernels.shape
    parted = kernels.reshape(n, parts // SCALE**2, SCALE, SCALE, side, side)
    whole: NDArray[np.float64] = parted.transpose(0, 4, 2, 5, 3, 1).reshape(n, SCALE * side, SCALE * side, -1)
    return whole
