"""What the network was shown, what it made of it, and what it should have been."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..core.errors import RecipeError
from .style import FRAME, ink, plain


def is_image(shape: tuple[int, ...]) -> bool:
    """Return whether a row of this shape is an image: (height, width) or (height, width, 3)."""
    return len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)


def reconstructions(rows: Mapping[str, ArrayLike], shape: tuple[int, ...]) -> Figure:
    """Return a figure with one line of images for each entry of `rows`, e.g. noisy, denoised and clean.

    Each entry [n, pixels] holds the same n rows; `shape` is an image's (height, width) or (height, width, 3).
    All images share one grey scale, that of the last entry.
    """
    if not is_image(shape):
        raise RecipeError(f"shape={shape} is no image's; give (height, width) or (height, width, 3)")
    lines = {name: np.asarray(images).reshape(-1, *shape) for name, images in rows.items()}
    last = list(lines.values())[-1]
    low, high = float(last.min()), float(last.max())
    n = len(last)
    names = [plain(name) for name in lines]
    aside = max(0.9, 0.1 * max(map(len, names)))  # inches, for the longest name
    figure = Figure(figsize=(0.8 * n + aside, 0.85 * len(lines)), layout="constrained")
    grid = figure.subplots(len(lines), n, squeeze=False)
    for axes, name, images in zip(grid, names, lines.values(), strict=True):
        for ax, image in zip(axes, images, strict=True):
            shade = ((image - low) / (high - low or 1)).clip(0, 1)  # colours must lie in [0, 1], whatever the units
            ax.imshow(shade, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
            ink(ax)
            ax.spines[:].set_color(FRAME)
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure
