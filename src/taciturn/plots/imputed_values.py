"""The distributions of a variable's known and imputed values, side by side."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from .histogram import finite_numbers
from .style import MODEL, REFERENCE, add_legend_above, display_text, figure_of, new_axes, set_style

MIN_BINS, MAX_BINS = 8, 30
TAIL = 0.005  # share of the values at each end that is drawn in the outermost bins
MIN_TAIL_VALUES = 100  # of fewer all bins are equally wide
WIDTH, HEIGHT = 4.0, 2.4  # inches
MAX_LEVELS, LEVEL_HEIGHT = 8, 0.32

Floats = NDArray[np.float64]
Group = tuple[str, Floats]  # name, values
COLOURS = {"known": REFERENCE, "filled": MODEL, "drawn": MODEL}
OPACITY = {"known": 0.25, "filled": 1.0, "drawn": 0.45}  # of areas
LINES: dict[str, Any] = {
    "known": {"fill": True, "alpha": OPACITY["known"], "linewidth": 0},
    "filled": {"linewidth": 1.8},
    "drawn": {"linewidth": 1.4, "linestyle": "--"},
}


def imputed_values(
    known: ArrayLike,
    filled: ArrayLike,
    drawn: ArrayLike = (),
    ax: Axes | None = None,
    *,
    levels: Sequence[str] | None = None,
    label: str = "",
    text: Callable[[float], str] | None = None,
) -> Figure:
    """Return the distributions of known values, of those that missing ones were filled with, and of draws, as shares.

    Parameters
    ----------
    known, filled : array of shape [n]
        Values; of `known` there may be none. With `levels` the number of each value's level, from 0.
    drawn : array of shape [n], default=()
        Draws of the missing values, which vary as much as known values do; expected values vary less.
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.
    levels : sequence of str, optional
        The levels of a category, which are drawn as bars. Of more than 8 the most frequent are drawn.
    label : str, default=""
        The x axis label.
    text : callable, optional
        Returns the text of a tick at a value, such as a date.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DataError
        If a value is infinite or NaN, or `filled` is empty.

    Examples
    --------
    >>> figure = imputed_values([1.0, 2.0, 3.0, 4.0], [2.0, 2.5], label="age")
    >>> figure.axes[0].get_xlabel()
    'age'
    """
    named = {"known": known, "filled": filled, "drawn": drawn}
    groups: list[Group] = [
        (name, finite_numbers(values, name)) for name, values in named.items() if name == "filled" or np.size(values)
    ]
    if levels is not None:
        ax = _draw_levels(ax, groups, levels)
    else:
        ax = _draw_numbers(ax, groups)
        if text is not None:
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    ax.set_xlabel(display_text(label, 40))
    add_legend_above(ax, ncols=3)
    return figure_of(ax)


def _draw_numbers(ax: Axes | None, groups: list[Group]) -> Axes:
    ax = new_axes(WIDTH, HEIGHT) if ax is None else ax
    together = np.concatenate([values for _, values in groups])
    tail = TAIL if len(together) > MIN_TAIL_VALUES else 0.0
    low, high = np.quantile(together, [tail, 1 - tail])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    fewest = min(len(values) for _, values in groups)
    edges = np.linspace(low, high, int(np.clip(2 * np.sqrt(fewest), MIN_BINS, MAX_BINS)) + 1)
    for name, values in groups:
        shares = np.histogram(values.clip(low, high), edges)[0] / len(values)
        ax.stairs(shares, edges, color=COLOURS[name], label=name, **LINES[name])
    ax.set(yticks=[], ylim=(0, None))
    set_style(ax, grid="x")
    ax.xaxis.set_major_locator(MaxNLocator(4))
    return ax


def _draw_levels(ax: Axes | None, groups: list[Group], levels: Sequence[str]) -> Axes:
    shares = [np.bincount(values.astype(int), minlength=len(levels)) / len(values) for _, values in groups]
    shown = np.sort(np.argsort(-shares[0], kind="stable")[:MAX_LEVELS])
    ax = new_axes(WIDTH, max(HEIGHT, 0.9 + LEVEL_HEIGHT * len(shown))) if ax is None else ax
    places, height = np.arange(len(shown)), 0.8 / len(groups)
    for i, ((name, _), share) in enumerate(zip(groups, shares, strict=True)):
        shift = height * (i - (len(groups) - 1) / 2)
        style: dict[str, Any] = {"color": COLOURS[name], "alpha": OPACITY[name], "linewidth": 0, "label": name}
        ax.barh(places + shift, share[shown], 0.9 * height, **style)
    ax.set_yticks(places, [display_text(levels[level], 16) for level in shown])
    ax.invert_yaxis()
    set_style(ax, grid="x")
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    return ax
