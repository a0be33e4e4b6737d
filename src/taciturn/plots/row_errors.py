"""How the rows' errors are distributed."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .histogram import bars, numbers
from .style import GREEN, ORANGE, axes, home, legend_above


def row_errors(per_row: ArrayLike, ax: Axes | None = None) -> Figure:
    """Return the histogram of rows by their reconstruction errors [n_samples], half and nineteen in twenty marked.

    Over decades where the errors span them; rows that are met exactly are a bar of their own at the left.
    """
    found = numbers(per_row, "per_row")
    ax = axes(height=3.2) if ax is None else ax
    bars(ax, found, zeros="exact")
    for share, colour, dashes, said in ((0.5, GREEN, "--", "half"), (0.95, ORANGE, ":", "95%")):
        bound = float(np.quantile(found, share))
        if bound > 0:
            label = f"{said} of the rows: {bound:.3g} or less"
            ax.axvline(bound, color=colour, linewidth=1.4, linestyle=dashes, label=label)
    ax.set(xlabel="mean squared error of a row", ylabel="rows")
    legend_above(ax)
    return home(ax)
