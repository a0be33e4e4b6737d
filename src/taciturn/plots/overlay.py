"""Several runs' histories on one pair of axes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..core.errors import RecipeError
from .history import completed_epochs
from .style import (
    CYCLE,
    DASHES,
    add_legend,
    display_text,
    draw_curve,
    figure_of,
    legend_text,
    new_axes,
    run_colour,
    set_integer_ticks,
    set_log_scale,
    set_style,
    spans_decades,
)

Columns = Mapping[str, NDArray[Any]]

WIDTH, THICKER = 1.6, 1.8  # points: of a line, and for each line that hides it


def overlay(histories: Mapping[str, Columns], name: str = "loss", ax: Axes | None = None) -> Figure:
    """Return the figure of one column of several runs' histories, one curve per run.

    Of runs with the same numbers the earlier ones are thicker, so that all are visible.

    Parameters
    ----------
    histories : mapping of str to History
        For each run's name, its history. Runs without finite numbers in the column are left out.
    name : str, default="loss"
        A column with one number per epoch, such as "validation_loss".
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    RecipeError
        If no run has finite numbers in the column, or the column has one number per latent.

    Examples
    --------
    >>> import numpy as np
    >>> epoch = np.arange(2)
    >>> runs = {"a": {"epoch": epoch, "loss": [3.0, 2.0]}, "b": {"epoch": epoch, "loss": [4.0, 1.0]}}
    >>> [line.get_label() for line in overlay(runs).axes[0].lines]
    ['a', 'b']
    """
    runs = {run: h for run, h in histories.items() if name in h and np.isfinite(np.asarray(h[name], float)).any()}
    if not runs:
        columns = sorted({column for history in histories.values() for column in history})
        mend = f"choose one of {', '.join(columns)}" if columns else "give one run or more"
        raise RecipeError(f"name={name!r}: no run has finite numbers in this column; {mend}")
    if any(np.ndim(history[name]) != 1 for history in runs.values()):
        raise RecipeError(f"name={name!r} has a number for each latent, not for each epoch; choose another column")
    ax = new_axes() if ax is None else ax
    for i, (run, history) in enumerate(runs.items()):
        dashes = DASHES[i // len(CYCLE) % len(DASHES)]
        later = list(runs.values())[i + 1 :]
        n_hiding = sum(np.array_equal(history[name], other[name], equal_nan=True) for other in later)
        label = legend_text(run)
        epochs = completed_epochs(history)
        options = {"color": run_colour(i), "linestyle": dashes, "linewidth": WIDTH + THICKER * n_hiding, "label": label}
        draw_curve(ax, epochs, history[name], **options)
    values = np.concatenate([np.asarray(history[name], float) for history in runs.values()])
    if spans_decades(values, 1.0):
        set_log_scale(ax, "y", values)
    set_style(ax)
    set_integer_ticks(ax, "x")
    ax.set(xlabel="epoch", ylabel=display_text(name.replace("_", " ")))
    add_legend(ax, **({} if len(runs) <= 6 else {"loc": "upper left", "bbox_to_anchor": (1, 1)}))
    return figure_of(ax)
