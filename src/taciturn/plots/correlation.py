"""Which latents speak together, and which instead of each other."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..core.errors import DataError
from .style import SIGNED, axes, bar_of, home, ink, whole

SHARP = 200  # latents up to which each pixel is kept


def correlation(matrix: ArrayLike, ax: Axes | None = None) -> Figure:
    """Return the image of codes' correlations [M, M], from -1 (blue) to 1 (orange); NaN is clear.

    Silent latents have no correlations: numpy.corrcoef calls theirs NaN.
    """
    found = np.asarray(matrix, np.float64)
    if found.ndim != 2 or found.shape[0] != found.shape[1] or not len(found):
        raise DataError(f"matrix has shape {found.shape}; give correlations of M latents [M, M]")
    if (np.abs(found) > 1 + 1e-6).any():
        raise DataError("matrix holds numbers beyond -1 and 1; give correlations, as numpy.corrcoef returns them")
    ax = axes(4.8, 4.0) if ax is None else ax
    drawn = ax.imshow(found, cmap=SIGNED, vmin=-1, vmax=1, interpolation="none" if len(found) <= SHARP else "auto")
    ink(ax)
    for axis in "xy":
        whole(ax, axis, most=6)
    ax.set(xlabel="latent", ylabel="latent")
    bar_of(drawn, "correlation", [-1, -0.5, 0, 0.5, 1])
    return home(ax)
