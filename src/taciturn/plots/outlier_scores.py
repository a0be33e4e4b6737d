"""Histogram of the scores of an outlier detector, with its threshold."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .histogram import draw_histogram, finite_numbers
from .style import HELD_OUT, POSITIVE, REFERENCE, add_legend_above, figure_of, new_axes

MIN_HELD_OUT = 20  # of fewer rows no distribution is drawn


def outlier_scores(
    scores: ArrayLike, threshold: float, ax: Axes | None = None, *, held_out: ArrayLike | None = None
) -> Figure:
    """Return the histogram of the scores of rows, with a line at the threshold and a mark at each score below it.

    Parameters
    ----------
    scores : array of shape [n_samples]
        Low for outliers.
    threshold : float
        Rows with a lower score are outliers.
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.
    held_out : array, optional
        Scores of the rows that the detector held out. From 20 on their distribution is a second histogram, of as many
        rows as the first.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DataError
        If a score is infinite or NaN, or there are none.

    Examples
    --------
    >>> figure = outlier_scores([-4.0, 0.1, 0.2, -0.3, 0.0], -2.5)
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['threshold −2.5', '1 row below it']
    """
    values = finite_numbers(scores, "scores")
    ax = new_axes(height=3.2) if ax is None else ax
    edges = draw_histogram(ax, values)
    others = np.empty(0) if held_out is None else np.asarray(held_out, np.float64)
    if len(others) >= MIN_HELD_OUT and len(edges) > 2:
        counts = np.histogram(others.clip(edges[0], edges[-1]), edges)[0] * len(values) / len(others)
        label = "held-out rows of fit, to the same number"
        ax.stairs(counts, edges, color=HELD_OUT, linewidth=1.6, label=label)
    ax.axvline(
        threshold,
        color=REFERENCE,
        linewidth=1.2,
        linestyle="--",
        label=f"threshold {threshold:.3g}".replace("-", "−"),
    )
    below = values[values < threshold]
    if len(below):
        label = f"{len(below):,} row{'s' * (len(below) > 1)} below it"
        ax.plot(below, np.zeros(len(below)), "|", color=POSITIVE, markersize=9, markeredgewidth=1.6, label=label)
    ax.set(xlabel="score of a row; low for outliers", ylabel="rows")
    add_legend_above(ax)
    return figure_of(ax)
