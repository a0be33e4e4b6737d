"""How a run went: a small panel for each thing that was measured."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..core.errors import RecipeError
from .style import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    ORANGE,
    SMALL,
    curve,
    decades,
    home,
    legend_above,
    plain,
    quiet,
    spans,
    whole,
)

Columns = Mapping[str, NDArray[Any]]
Panel = tuple[str, Callable[[Axes], None]]

KNOWN = ("epoch", "seconds", "rate", "loss", "rates")  # what an epoch measures beside its terms
HELD_OUT = "validation_"
WEIGHT = "weight_"
FALLING = "learning rate"  # mostly to 0 in a line, which decades would bend
POINTS = 300  # of the learning rate's curve


def history(history: Columns, *, target: float | None = None, ax: Axes | None = None) -> Figure:
    """Return the figure of a run, panels of one epoch axis: only those where there is something to show.

    The reconstruction error, each penalty, the mean activation (with `target`, the rate that was asked for), latents
    that were silent for a whole epoch, the weights that were found, a learning rate that changes. What an epoch did not
    measure is a gap. On given axes only the error is drawn.
    """
    if not len(history.get("epoch", ())):
        raise RecipeError("the history holds no epoch; fit a model first")
    panels = list(_panels(history, target))
    if not panels:
        raise RecipeError("the history holds no finite number; the run diverged in its first epoch")
    if ax is not None:
        _draw(ax, *panels[0])
        ax.set_xlabel("epoch")
        return home(ax)
    figure = Figure(figsize=(6.4, 0.6 + 1.15 * len(panels)), layout="constrained")
    grid = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for each, panel in zip(grid, panels, strict=True):
        _draw(each, *panel)
    grid[-1].set_xlabel("epoch")
    return figure


def done(history: Columns) -> NDArray[Any]:
    """Return how many epochs were done when each was measured: they are counted from 0."""
    return np.asarray(history["epoch"]) + 1


def terms(history: Columns) -> list[str]:
    """Return the names of the objective's terms, the reconstruction error first."""
    return [name for name in history if name not in KNOWN and not name.startswith((HELD_OUT, WEIGHT))]


def _panels(history: Columns, target: float | None) -> Iterator[Panel]:
    """Yield each panel's title, and what draws it."""
    for name in terms(history) or ["loss"]:
        held = HELD_OUT + name
        if _says(history, name) or _says(history, held):
            yield name.replace("_", " "), lambda ax, name=name, held=held: _beside(ax, history, name, held)  # type: ignore[misc]
    if _says(history, "rate"):
        yield "mean activation", lambda ax: _rate(ax, history, target)
    if np.nansum(_silent(history)) > 0:
        yield "silent latents", lambda ax: _draw_silent(ax, history)
    weights = [name for name in history if name.startswith(WEIGHT) and _says(history, name)]
    if weights:
        yield "weight found", lambda ax: _weights(ax, history, weights)
    steps = getattr(history, "steps", {})
    rates = np.asarray(steps.get("learning_rate", ()), np.float64)
    if len(rates) and np.ptp(rates) > 0:
        yield FALLING, lambda ax: _learning_rate(ax, steps)


def _draw(ax: Axes, title: str, draw: Callable[[Axes], None]) -> None:
    draw(ax)
    values = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in ax.lines])
    if title != FALLING and spans(values, 1.0):
        decades(ax, "y", values)
    quiet(ax)
    whole(ax, "x")
    ax.tick_params(labelsize=SMALL)
    ax.set_title(plain(title, 60), loc="left", fontsize=SMALL + 1)
    legend_above(ax)


def _beside(ax: Axes, history: Columns, name: str, held: str) -> None:
    """Draw a term as the training rows and as the held-out rows have it."""
    both = _says(history, held) and _says(history, name)
    if _says(history, name):
        curve(ax, done(history), history[name], color=BLUE, **({"label": "training"} if both else {}))
    if _says(history, held):
        curve(ax, done(history), history[held], color=ORANGE, linestyle="--", label="held-out")


def _rate(ax: Axes, history: Columns, target: float | None) -> None:
    """Draw the latents' mean activation, within what the middle four fifths of them have."""
    epoch = done(history)
    rates = np.asarray(history.get("rates", np.empty((0, 0))), np.float64)
    if rates.ndim == 2 and rates.shape[1] > 1:
        low, high = np.quantile(rates, (0.1, 0.9), axis=1)
        ax.fill_between(epoch, low, high, color=BLUE, alpha=0.15, linewidth=0, label="latents, 10–90%")
    curve(ax, epoch, history["rate"], color=BLUE, label="mean")
    held = np.asarray(history.get(f"{HELD_OUT}rates", np.empty((0, 0))), np.float64)
    if held.size and np.isfinite(held).any():
        curve(ax, epoch, held.mean(1), color=ORANGE, linestyle="--", label="held-out")
    if target is not None:
        ax.axhline(target, color=GREY, linewidth=1, linestyle=":", label=f"target {target:.3g}")


def _silent(history: Columns) -> NDArray[np.float64]:
    """Return how many latents were at exactly 0 throughout each epoch; NaN where none was measured."""
    rates = np.asarray(history.get("rates", np.empty((0, 0))), np.float64)
    if rates.ndim != 2:
        return np.zeros(0)
    count = (rates == 0).sum(1).astype(float)
    return np.where(np.isnan(rates).all(1), np.nan, count)


def _draw_silent(ax: Axes, history: Columns) -> None:
    curve(ax, done(history), _silent(history), color=GREY)
    whole(ax, "y", most=4)


def _weights(ax: Axes, history: Columns, weights: list[str]) -> None:
    for i, name in enumerate(weights):
        label = {"label": plain(name.removeprefix(WEIGHT).replace("_", " "))} if len(weights) > 1 else {}
        curve(ax, done(history), history[name], color=(GREEN, *CYCLE)[i % len(CYCLE)], **label)


def _learning_rate(ax: Axes, steps: Columns) -> None:
    """Draw the learning rate at its steps, an epoch's last where the epoch is measured."""
    epoch = np.asarray(steps["epoch"])
    _, each, counts = np.unique(epoch, return_inverse=True, return_counts=True)
    first = np.cumsum(counts) - counts
    at = epoch + (np.arange(len(epoch)) - first[each] + 1) / counts[each]
    some = np.unique(np.linspace(0, len(epoch) - 1, POINTS).round().astype(int))
    curve(ax, at[some], np.asarray(steps["learning_rate"])[some], color=GREY)


def _says(history: Columns, name: str) -> bool:
    return name in history and bool(np.isfinite(np.asarray(history[name], np.float64)).any())
