"""What a few more latents a row buy: error against L0."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..core.errors import DataError
from .style import BLUE, EDGE, FRAME, GREY, SMALL, TEXT, axes, decades, home, plain, quiet, spans


def frontier(points: Mapping[str, tuple[float, float]], ax: Axes | None = None) -> Figure:
    """Return the figure of several runs, each at (L0, FVU): latents a row, and variance that they leave unexplained.

    The lower left is better. Runs that no other beats in both are joined by a line and blue, the others grey.
    """
    places = np.array([*points.values()], np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or not np.isfinite(places).all():
        raise DataError("points must be finite pairs (L0, FVU), at least one")
    ax = axes() if ax is None else ax
    best = unbeaten(places)
    edge = places[best][np.argsort(places[best][:, 0], kind="stable")]
    ax.plot(*edge.T, color=FRAME, linewidth=1.4, zorder=1)
    ax.scatter(*places.T, s=30, c=[BLUE if each else GREY for each in best], linewidths=0, zorder=3)  # type: ignore[misc]
    if spans(places[:, 0], 1.0):
        decades(ax, "x", places[:, 0])
    quiet(ax)
    ax.margins(0.08)
    ax.set(xlabel="latents a row (L0)", ylabel="variance unexplained (FVU)")
    if not spans(places[:, 1], 1.0):
        ax.set_ylim(0, places[:, 1].max() * 1.08 or 1)
    else:
        decades(ax, "y", places[:, 1])
    _names(ax, list(points), places)
    return home(ax)


def unbeaten(places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """[N]: whether no other of the points [N, 2] is as small in both and smaller in one."""
    as_small = np.all(places[None] <= places[:, None], axis=2)
    smaller = np.any(places[None] < places[:, None], axis=2)
    return np.asarray(~np.any(as_small & smaller, axis=1))


def _names(ax: Axes, names: list[str], places: NDArray[np.float64]) -> None:
    """Write the names at the right, each as near to its point's height as none hides another, and tied to it."""
    ax.autoscale_view()
    heights = (ax.transScale + ax.transLimits).transform(places)[:, 1]
    step = min(0.06, 1 / len(names))
    at = 1.0 + step
    for i in np.lexsort((-places[:, 0], -heights)):
        at = min(at - step, max(heights[i], step * (sum(heights < heights[i]))))
        ax.annotate(
            plain(names[i]),
            places[i],
            (1.03, at),
            textcoords="axes fraction",
            va="center",
            fontsize=SMALL,
            color=TEXT,
            arrowprops={"arrowstyle": "-", "color": EDGE, "linewidth": 0.5, "shrinkB": 3},
        )
