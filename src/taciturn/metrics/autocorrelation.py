"""The autocorrelation of an image, such as what a denoiser removed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

MAX_LAG = 8  # pixels
CONFIDENCE = 0.99


@dataclass(frozen=True)
class Autocorrelation:
    """How each pixel of an image correlates with the pixels around it.

    Parameters
    ----------
    values : list of list of float
        Correlations at the distances -lag … lag of lines and of columns; the one in the middle, of a pixel with itself,
        is 1.
    largest : float
        The one with the largest absolute value, apart from the middle.
    down, right : int
        The distance to which it belongs, in pixels: `down` ≥ 0.
    bound : float
        Of noise that is independent from pixel to pixel and from channel to channel, all values but that in the middle
        lie within ± bound in 99 of 100 images.
    """

    values: list[list[float]]
    largest: float
    down: int
    right: int
    bound: float


def autocorrelation(image: NDArray[np.generic], max_lag: int = MAX_LAG) -> Autocorrelation | None:
    """Return the autocorrelation of an image; None of one that is constant, or has a single pixel.

    Parameters
    ----------
    image : array [height, width, channels]
        In any units.
    max_lag : int, default=8
        The largest distance of two pixels along each axis; less in an image that is smaller.

    Returns
    -------
    Autocorrelation or None
        The mean over the channels that are not constant.

    Notes
    -----
    The correlation at a distance is the mean product of two pixels at that distance, less the channel's mean, divided
    by the channel's variance. In white noise it has a standard deviation of 1 / √pairs. The bound takes account of the
    number of values (Bonferroni).

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(100, 100, 1))
    >>> result = autocorrelation(noise, 2)
    >>> abs(result.largest) < result.bound < 0.04
    True
    """
    pixels = np.asarray(image, np.float64)
    pixels = pixels[:, :, np.ptp(pixels, (0, 1)) > 0]
    pixels = (pixels - pixels.mean((0, 1))) / pixels.std((0, 1))
    height, width, channels = pixels.shape
    down, right = (min(max_lag, length - 1) for length in (height, width))
    if not channels or not (down or right):
        return None
    values = np.ones((2 * down + 1, 2 * right + 1))
    for dy in range(down + 1):
        for dx in range(-right, right + 1):
            first = pixels[: height - dy, max(-dx, 0) : width - max(dx, 0)]
            second = pixels[dy:, max(dx, 0) : width - max(-dx, 0)]
            values[down + dy, right + dx] = values[down - dy, right - dx] = (first * second).mean()
    half = values[down:].copy()
    half[0, : right + 1] = 0  # of a distance and its opposite one
    line, column = divmod(int(np.abs(half).argmax()), half.shape[1])
    n_values, n_pairs = values.size // 2, (height - down) * (width - right) * channels
    bound = float(norm.isf((1 - CONFIDENCE) / 2 / n_values) / np.sqrt(n_pairs))
    return Autocorrelation(values.tolist(), float(half[line, column]), line, column - right, bound)
