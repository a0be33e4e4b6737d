"""Rows as images: corrupted, reconstructed and clean, below each other."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..core.errors import RecipeError
from ..data.row_shape import is_image
from .style import FRAME, GREYS, display_text, marked, set_colours


def reconstructions(rows: Mapping[str, ArrayLike], shape: tuple[int, ...]) -> Figure:
    """Return a figure with one line of images for each entry of `rows`, such as noisy, denoised and clean.

    Parameters
    ----------
    rows : mapping of str to array of shape [n, pixels]
        For each line's name, the same n rows. All images share one scale from black to white: the range of the last
        entry; values beyond it are clipped. The pixels of missing values (NaN) are amber.
    shape : tuple of int
        An image's (height, width) or (height, width, 3).

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    RecipeError
        If `shape` is not an image shape.

    Examples
    --------
    >>> import numpy as np
    >>> clean = np.arange(8.0).reshape(2, 4)
    >>> figure = reconstructions({"noisy": clean - 1, "clean": clean}, (2, 2))
    >>> [ax.get_ylabel() for ax in figure.axes]
    ['noisy', '', 'clean', '']
    """
    if not is_image(shape):
        raise RecipeError(f"shape={shape} is not an image shape; give (height, width) or (height, width, 3)")
    lines = {name: np.asarray(images).reshape(-1, *shape) for name, images in rows.items()}
    last = list(lines.values())[-1]
    low, high = (float(end.reduce(last, axis=None)) for end in (np.fmin, np.fmax))  # not of missing values
    n = len(last)
    names = [display_text(name) for name in lines]
    name_width = max(0.9, 0.1 * max(map(len, names)))  # inches, for the longest name
    figure = Figure(figsize=(0.8 * n + name_width, 0.85 * len(lines)), layout="constrained")
    grid = figure.subplots(len(lines), n, squeeze=False)
    for axes, name, images in zip(grid, names, lines.values(), strict=True):
        for ax, image in zip(axes, images, strict=True):
            scaled = ((image - low) / (high - low or 1)).clip(0, 1)  # colours must lie in [0, 1], whatever the units
            ax.imshow(marked(scaled), cmap=GREYS, vmin=0, vmax=1, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            set_colours(ax)
            ax.spines[:].set_color(FRAME)
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure
