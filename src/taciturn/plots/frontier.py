"""Error against the number of active latents per row, for several runs."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..core.errors import DataError
from .style import (
    EDGE,
    FRAME,
    SMALL,
    TEXT,
    display_text,
    figure_of,
    new_axes,
    run_colour,
    set_log_scale,
    set_style,
    spans_decades,
)

FVU = "fraction of variance unexplained (FVU)"


def frontier(points: Mapping[str, tuple[float, float]], *, label: str = FVU, ax: Axes | None = None) -> Figure:
    """Return the figure of several runs, each a point (L0, FVU); nearer to the lower left is better.

    Each run has a colour, the same as in `overlay`. Runs that no other run beats in both numbers (the Pareto front) are
    joined by a line; the others are hollow.

    Parameters
    ----------
    points : mapping of str to (float, float)
        For each run's name, active latents per row (L0 ≥ 0) and fraction of variance unexplained (FVU ≥ 0).
    label : str, optional
        What the second number is.
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DataError
        If there is no point, or one is not a finite pair.

    Examples
    --------
    >>> figure = frontier({"a": (4, 0.3), "b": (8, 0.2), "c": (9, 0.4)})
    >>> figure.axes[0].lines[0].get_xydata().tolist()  # c is beaten by a and by b
    [[4.0, 0.3], [8.0, 0.2]]
    """
    coordinates = np.array([*points.values()], np.float64)
    if coordinates.ndim != 2 or coordinates.shape[1] != 2 or not np.isfinite(coordinates).all():
        raise DataError("points must be finite pairs (L0, FVU), at least one")
    ax = new_axes() if ax is None else ax
    best = unbeaten(coordinates)
    front = coordinates[best][np.argsort(coordinates[best][:, 0], kind="stable")]
    ax.plot(*front.T, color=FRAME, linewidth=1.4, zorder=1)
    colours = [run_colour(i) for i in range(len(best))]
    fills = [colour if is_best else "none" for colour, is_best in zip(colours, best, strict=True)]
    ax.scatter(*coordinates.T, s=30, facecolors=fills, edgecolors=colours, linewidths=1.2, zorder=3)  # type: ignore[misc]
    if spans_decades(coordinates[:, 0], 1.0):
        set_log_scale(ax, "x", coordinates[:, 0])
    set_style(ax)
    ax.margins(0.08)
    ax.set(xlabel="active latents per row (L0)", ylabel=label)
    if not spans_decades(coordinates[:, 1], 1.0):
        ax.set_ylim(0, coordinates[:, 1].max() * 1.08 or 1)
    else:
        set_log_scale(ax, "y", coordinates[:, 1])
    _write_names(ax, list(points), coordinates)
    return figure_of(ax)


def unbeaten(coordinates: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each point [N, 2] whether no other point is as small in both coordinates and smaller in one [N]."""
    as_small = np.all(coordinates[None] <= coordinates[:, None], axis=2)
    smaller = np.any(coordinates[None] < coordinates[:, None], axis=2)
    return np.asarray(~np.any(as_small & smaller, axis=1))


def _write_names(ax: Axes, names: list[str], coordinates: NDArray[np.float64]) -> None:
    """Write the names at the right without overlap, each near its point's height and joined to it by a line."""
    ax.autoscale_view()
    heights = (ax.transScale + ax.transLimits).transform(coordinates)[:, 1]
    step = min(0.06, 1 / len(names))
    height = 1.0 + step
    for i in np.lexsort((-coordinates[:, 0], -heights)):
        height = min(height - step, max(heights[i], step * (sum(heights < heights[i]))))
        ax.annotate(
            display_text(names[i]),
            coordinates[i],
            (1.03, height),
            textcoords="axes fraction",
            va="center",
            fontsize=SMALL,
            color=TEXT,
            arrowprops={"arrowstyle": "-", "color": EDGE, "linewidth": 0.5, "shrinkB": 3},
        )
