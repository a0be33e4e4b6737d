"""Several runs beside each other."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..core.errors import RecipeError
from .history import done
from .style import CYCLE, DASHES, axes, curve, decades, home, in_legend, legend, plain, quiet, spans, whole

Columns = Mapping[str, NDArray[Any]]


def overlay(histories: Mapping[str, Columns], name: str = "loss", ax: Axes | None = None) -> Figure:
    """Return the figure of several runs' curves of one column of their histories, such as "validation_loss".

    Runs that did not measure it are left out.
    """
    runs = {run: h for run, h in histories.items() if name in h and np.isfinite(np.asarray(h[name], float)).any()}
    if not runs:
        known = sorted({column for history in histories.values() for column in history})
        raise RecipeError(f"name={name!r}: no run has measured it; there are {', '.join(known) or 'no runs'}")
    if any(np.ndim(history[name]) != 1 for history in runs.values()):
        raise RecipeError(f"name={name!r} is a number for each latent, not for each epoch; choose another column")
    ax = axes() if ax is None else ax
    for i, (run, history) in enumerate(runs.items()):
        dashes = DASHES[i // len(CYCLE) % len(DASHES)]
        curve(ax, done(history), history[name], color=CYCLE[i % len(CYCLE)], linestyle=dashes, label=in_legend(run))
    values = np.concatenate([np.asarray(history[name], float) for history in runs.values()])
    if spans(values, 1.0):
        decades(ax, "y", values)
    quiet(ax)
    whole(ax, "x")
    ax.set(xlabel="epoch", ylabel=plain(name.replace("_", " ")))
    legend(ax, **({} if len(runs) <= 6 else {"loc": "upper left", "bbox_to_anchor": (1, 1)}))
    return home(ax)
