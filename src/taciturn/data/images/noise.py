"""The standard deviation of noise in one image, estimated from the image alone."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

# the high-pass filter of the wavelets db2 (Daubechies, 1988)
HIGH_PASS = np.array([-0.48296291314469025, 0.836516303737469, -0.22414386804185735, -0.12940952255092145])
ROUNDING = 1e-9  # details below this share of the largest number are 0
NORMAL_QUARTILE = 0.6744897501960817  # the median of the absolute value of N(0, 1)


def image_noise(pixels: NDArray[np.generic]) -> float:
    """Return the standard deviation of noise that is equal in all pixels and independent from pixel to pixel.

    Parameters
    ----------
    pixels : array [height, width] or [height, width, channels]
        The image in its own units.

    Returns
    -------
    float
        ≥ 0, in the image's units; of several channels the mean. Too large for images with much fine texture.

    Notes
    -----
    The median of the absolute diagonal details of the wavelets db2, divided by that of N(0, 1) (Donoho and Johnstone,
    1994). Details of exactly 0 are left out: they are those of flat, saturated parts.

    Examples
    --------
    >>> ramp = np.linspace(0, 1, 128)[:, None] * np.ones(128)
    >>> round(image_noise(ramp + np.random.default_rng(0).normal(0, 0.1, ramp.shape)), 2)
    0.1
    """
    channels = np.asarray(pixels, np.float64).reshape(*pixels.shape[:2], -1)
    details = correlate1d(correlate1d(channels, HIGH_PASS, 0, mode="reflect"), HIGH_PASS, 1, mode="reflect")
    zero = ROUNDING * np.abs(channels).max()
    levels = [np.abs(channel[np.abs(channel) > zero]) for channel in np.moveaxis(details[::2, ::2], 2, 0)]
    return float(np.mean([np.median(level) / NORMAL_QUARTILE if level.size else 0.0 for level in levels]))
