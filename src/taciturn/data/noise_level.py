"""The standard deviation of noise in rows, estimated from the rows alone."""

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq

QUANTILE = 0.25


def noise_level(rows: NDArray[np.generic]) -> float:
    """Return the standard deviation of noise that is equal in all entries and independent from entry to entry.

    Parameters
    ----------
    rows : array [N, D]
        Noisy rows in their own units. Rows with missing values (NaN) are left out; if fewer than D others are left,
        missing values count as their column's mean, and the estimate is too large.

    Returns
    -------
    float
        ≥ 0. Too large if more than three quarters of the principal components of the clean rows matter.

    Notes
    -----
    The lower quartile of the squared singular values of the centred rows, over that of noise of variance 1, which
    follows the law of Marchenko and Pastur (1967). Gavish and Donoho (2014) use the median, which more of the rows'
    own components enlarge.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 40)) + 0.5 * rng.normal(size=(500, 40))
    >>> round(noise_level(rows), 1)
    0.5
    """
    x = np.asarray(rows, np.float64)
    complete = ~np.isnan(x).any(1)
    x = x[complete] if complete.sum() >= x.shape[1] else x
    x = x - np.nanmean(x, axis=0)
    x = np.where(np.isnan(x), 0.0, x)
    small, large = sorted(x.shape)
    ratio = small / large
    smaller = np.quantile(np.linalg.svd(x, compute_uv=False) ** 2, QUANTILE)
    return float(np.sqrt(smaller / (large * _quantile_of_noise(ratio))))


def _quantile_of_noise(ratio: float) -> float:
    """Return the quantile of the Marchenko-Pastur law with this ratio of sides, in (0, 1]."""
    low, high = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2

    def density(t: float) -> float:
        return float(np.sqrt(max((high - t) * (t - low), 0.0)) / (2 * np.pi * ratio * t))

    def below(t: float) -> float:
        return float(quad(density, low, t, limit=200)[0]) - QUANTILE

    return float(brentq(below, low + 1e-12, high))
