"""Classical filters of images, beside which a denoiser is measured."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, median_filter
from scipy.signal import wiener

from ...data.images.noise import image_noise

Floats = NDArray[np.float32]
Filter = Callable[[Floats, Any, float], Any]  # of a channel, a strength and the standard deviation of the noise
FILTERS: dict[str, tuple[str, tuple[float, ...], Filter]] = {
    "Gaussian filter": ("standard deviation", (0.5, 0.7, 1, 1.4, 2), lambda x, size, noise: gaussian_filter(x, size)),
    "median filter": ("window", (3, 5), lambda x, size, noise: median_filter(x, size, mode="nearest")),
    "Wiener filter": ("window", (3, 5, 7), lambda x, size, noise: wiener(x, size, noise**2)),
}


@dataclass(frozen=True, eq=False)
class Filtered:
    """An image without noise, by a classical filter of the strength that is best for it.

    Parameters
    ----------
    name : str
        The filter.
    strength : str
        Its strength, such as "window 3 pixels".
    pixels : array [height, width, channels]
        The result.
    """

    name: str
    strength: str
    pixels: Floats


def filtered(noisy: Floats, clean: Floats) -> list[Filtered]:
    """Return an image by each classical filter, of the strength whose result is nearest to the clean image.

    Parameters
    ----------
    noisy, clean : array [height, width, channels]
        Numbers from 0 (black) to 1 (white). Each channel is filtered by itself.

    Returns
    -------
    list of Filtered
        By a Gaussian filter, by a median filter, and by the filter of Wiener with local means and variances (Lim,
        1990), whose noise is that which `image_noise` estimates.

    Notes
    -----
    The choice of the strength by the clean image favours the filters.
    """
    noise, results = image_noise(noisy), []
    for name, (unit, sizes, function) in FILTERS.items():
        tried = [_by_channel(function, noisy, size, noise) for size in sizes]
        best = int(np.argmin([np.square(pixels.astype(np.float64) - clean).mean() for pixels in tried]))
        strength = f"{unit} {sizes[best]:g} pixel{'s' if sizes[best] != 1 else ''}"
        results.append(Filtered(name, strength, tried[best]))
    return results


def _by_channel(function: Filter, noisy: Floats, size: float, noise: float) -> Floats:
    with warnings.catch_warnings():  # Wiener's filter divides by the variance of flat parts, and discards the result
        warnings.simplefilter("ignore", RuntimeWarning)
        channels = [function(channel, size, noise) for channel in np.moveaxis(noisy, 2, 0)]
    return np.stack(channels, axis=2).astype(np.float32)
