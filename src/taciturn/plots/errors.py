"""Reconstruction errors of columns: bars, or a heat map of pixels."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..core.errors import RecipeError
from ..data.row_shape import is_image
from .histogram import Floats, finite_numbers
from .style import (
    AMOUNT,
    MODEL,
    REFERENCE,
    SMALL,
    add_colour_bar,
    add_legend_above,
    check_most,
    display_text,
    figure_of,
    hide_frame,
    new_axes,
    set_style,
)

LABEL = "mean squared error"


def errors(
    per_column: ArrayLike,
    *,
    columns: Sequence[str] | None = None,
    shape: tuple[int, ...] | None = None,
    most: int = 20,
    label: str = LABEL,
    ax: Axes | None = None,
) -> Figure:
    """Return the figure of each column's reconstruction error: a heat map of pixels, or bars.

    Bars show the `most` columns with the largest errors, the largest at the top, and a line at the mean of all columns.

    Parameters
    ----------
    per_column : array of shape [n_features]
        Mean squared errors, ≥ 0. NaN is the error of a column without any known value: it has no bar, and is marked in
        a heat map.
    columns : sequence of str, optional
        The columns' names [n_features]; by default "column 0", "column 1", …
    shape : tuple of int, optional
        If an image's (height, width) or (height, width, 3), errors are drawn as a heat map; the mean of the colour
        channels is shown.
    most : int, default=20
        Maximal number of bars, ≥ 1.
    label : str, optional
        What the errors are, with their unit.
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DataError
        If an error is infinite, or there are none.
    RecipeError
        If columns or shape do not fit the errors, or `most` is less than 1.

    Examples
    --------
    >>> figure = errors([0.1, 0.4, 0.2], columns=["a", "b", "c"], most=2)
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['b', 'c']
    """
    values = finite_numbers(per_column, "per_column", missing=True)
    check_most(most)
    if columns is not None and len(columns) != len(values):
        raise RecipeError(f"columns={len(columns)} names for {len(values)} errors; give one per column")
    if shape is not None and is_image(shape):
        return _heat_map(values, shape, label, ax)
    return _bars(values, columns, most, label, ax)


def _heat_map(values: Floats, shape: tuple[int, ...], label: str, ax: Axes | None) -> Figure:
    if np.prod(shape) != len(values):
        raise RecipeError(f"shape={shape} has {np.prod(shape)} pixels, but there are {len(values)} errors")
    pixels = values.reshape(*shape[:2], -1).mean(2)
    ax = new_axes(4.4, 3.6) if ax is None else ax
    largest = float(np.fmax.reduce(pixels, axis=None, initial=0.0)) or 1.0
    image = ax.imshow(pixels, cmap=AMOUNT, vmin=0, vmax=largest, interpolation="none")
    hide_frame(ax)
    ax.spines[:].set_visible(True)
    ax.set(xlabel=f"{shape[1]} pixels", ylabel=f"{shape[0]} pixels")
    add_colour_bar(image, display_text(label, 60))
    return figure_of(ax)


def _bars(values: Floats, columns: Sequence[str] | None, most: int, label: str, ax: Axes | None) -> Figure:
    worst = np.argsort(-values, kind="stable")[: min(most, int((~np.isnan(values)).sum()))]  # NaN is last
    ax = new_axes(height=1.0 + 0.22 * len(worst)) if ax is None else ax
    names = [f"column {i}" if columns is None else display_text(columns[i]) for i in worst]
    positions = np.arange(len(worst))
    ax.barh(positions, values[worst], color=MODEL, height=0.7)
    mean = float(np.nanmean(values))
    ax.axvline(mean, color=REFERENCE, linewidth=1.2, linestyle="--", label=f"mean of all {mean:.3g}")
    set_style(ax, grid="x")
    ax.set_yticks(positions, names, fontsize=SMALL)
    ax.tick_params(axis="y", length=0)
    ax.set(ylim=(len(worst) - 0.4, -0.6), xlim=(0, None), xlabel=display_text(label, 60))
    if len(worst) < len(values):
        ax.set_title(f"the worst {len(worst):,} of {len(values):,} columns", loc="left", fontsize="medium")
    add_legend_above(ax)
    return figure_of(ax)
