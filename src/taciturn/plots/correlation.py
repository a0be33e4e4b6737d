"""Image of the correlations between latents' codes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..core.errors import DataError
from .style import SIGNED, add_colour_bar, figure_of, new_axes, set_colours, set_integer_ticks

MAX_SHARP = 200  # latents up to which pixels are drawn without interpolation


def correlation(matrix: ArrayLike, ax: Axes | None = None) -> Figure:
    """Return the image of the correlations of M latents' codes.

    Blue is -1 (active instead of each other), orange 1 (active together); 0 and NaN are transparent.

    Parameters
    ----------
    matrix : array of shape [M, M]
        Correlations in [-1, 1]. `numpy.corrcoef` gives NaN for constant codes, such as those of dead latents.
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DataError
        If matrix is not square, is empty, or has numbers outside [-1, 1].

    Examples
    --------
    >>> figure = correlation([[1.0, -0.5], [-0.5, 1.0]])
    >>> figure.axes[0].get_xlabel()
    'latent'
    """
    correlations = np.asarray(matrix, np.float64)
    if correlations.ndim != 2 or correlations.shape[0] != correlations.shape[1] or not len(correlations):
        raise DataError(f"matrix has shape {correlations.shape}; give correlations of M latents [M, M]")
    if (np.abs(correlations) > 1 + 1e-6).any():
        raise DataError("matrix has numbers outside [-1, 1]; give correlations, as numpy.corrcoef returns them")
    ax = new_axes(4.8, 4.0) if ax is None else ax
    interpolation = "none" if len(correlations) <= MAX_SHARP else "auto"
    image = ax.imshow(correlations, cmap=SIGNED, vmin=-1, vmax=1, interpolation=interpolation)
    set_colours(ax)
    for axis in "xy":
        set_integer_ticks(ax, axis, most=6)
    ax.set(xlabel="latent", ylabel="latent")
    add_colour_bar(image, "correlation", [-1, -0.5, 0, 0.5, 1])
    return figure_of(ax)
