"""Which columns are reconstructed badly."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..core.errors import RecipeError
from .histogram import Floats, numbers
from .reconstructions import is_image
from .style import AMOUNT, BLUE, GREY, SMALL, axes, bar_of, bare, home, legend_above, plain, quiet

LABEL = "mean squared error"


def errors(
    per_column: ArrayLike,
    *,
    columns: Sequence[str] | None = None,
    shape: tuple[int, ...] | None = None,
    most: int = 20,
    ax: Axes | None = None,
) -> Figure:
    """Return the figure of each column's error [n_features]: a heat map if `shape` is an image's, else bars.

    The bars are those of the `most` columns with the largest errors, the largest at the top, and a line at the mean
    of all. Columns without names are called by their number. A colour image's channels are averaged.
    """
    found = numbers(per_column, "per_column")
    if columns is not None and len(columns) != len(found):
        raise RecipeError(f"columns={len(columns)} names for {len(found)} errors; give one a column")
    if shape is not None and is_image(shape):
        return _heat(found, shape, ax)
    return _bars(found, columns, most, ax)


def _heat(found: Floats, shape: tuple[int, ...], ax: Axes | None) -> Figure:
    if np.prod(shape) != len(found):
        raise RecipeError(f"shape={shape} has {np.prod(shape)} pixels, but there are {len(found)} errors")
    image = found.reshape(*shape[:2], -1).mean(2)
    ax = axes(4.4, 3.6) if ax is None else ax
    drawn = ax.imshow(image, cmap=AMOUNT, vmin=0, vmax=float(image.max()) or 1.0, interpolation="none")
    bare(ax)
    ax.spines[:].set_visible(True)
    bar_of(drawn, LABEL)
    return home(ax)


def _bars(found: Floats, columns: Sequence[str] | None, most: int, ax: Axes | None) -> Figure:
    worst = np.argsort(-found, kind="stable")[:most]
    ax = axes(height=1.0 + 0.22 * len(worst)) if ax is None else ax
    names = [f"column {i}" if columns is None else plain(columns[i]) for i in worst]
    at = np.arange(len(worst))
    ax.barh(at, found[worst], color=BLUE, height=0.7)
    ax.axvline(found.mean(), color=GREY, linewidth=1.2, linestyle="--", label=f"mean of all {found.mean():.3g}")
    quiet(ax, grid="x")
    ax.set_yticks(at, names, fontsize=SMALL)
    ax.tick_params(axis="y", length=0)
    ax.set(ylim=(len(worst) - 0.4, -0.6), xlim=(0, None), xlabel=LABEL)
    if len(worst) < len(found):
        ax.set_title(f"the worst {len(worst):,} of {len(found):,} columns", loc="left", fontsize="medium")
    legend_above(ax)
    return home(ax)
