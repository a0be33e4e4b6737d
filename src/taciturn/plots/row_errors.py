"""Histogram of the rows' reconstruction errors."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .histogram import draw_histogram, finite_numbers
from .style import REFERENCE, add_legend_above, display_text, figure_of, new_axes

LABEL = "mean squared error of a row"


def row_errors(per_row: ArrayLike, ax: Axes | None = None, *, label: str = LABEL, nouns: str = "rows") -> Figure:
    """Return the histogram of the rows' reconstruction errors, with lines at the median and the 95% quantile.

    The axis is logarithmic where errors span decades. Rows reconstructed exactly are a separate bar at the left.

    Parameters
    ----------
    per_row : array of shape [n_samples]
        Mean squared errors, ≥ 0. NaN, the error of a row without any known value, is left out.
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.
    label : str, optional
        The x axis label: what the errors are, with their unit.
    nouns : str, default="rows"
        What rows are called.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DataError
        If an error is infinite, or there are none.

    Examples
    --------
    >>> figure = row_errors([0.1, 0.2, 0.3, 0.4, 0.5])
    >>> figure.axes[0].lines[0].get_label()
    'half of the rows: 0.3 or less'
    """
    values = finite_numbers(per_row, "per_row", missing=True)
    values = values[~np.isnan(values)]
    ax = new_axes(height=3.2) if ax is None else ax
    draw_histogram(ax, values, zeros="exact")
    for share, dashes, share_text in ((0.5, "--", "half"), (0.95, "-.", "95%")):
        bound = float(np.quantile(values, share))
        if bound > 0:
            line_label = f"{share_text} of the {nouns}: {bound:.3g} or less"
            ax.axvline(bound, color=REFERENCE, linewidth=1.2, linestyle=dashes, label=line_label)
    ax.set(xlabel=display_text(label, 60), ylabel=nouns)
    add_legend_above(ax)
    return figure_of(ax)
