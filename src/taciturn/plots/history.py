"""The training history of a run: one small panel for each quantity."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..core.errors import RecipeError
from .style import (
    DASHES,
    HELD_OUT,
    MODEL,
    NONE,
    REFERENCE,
    SMALL,
    add_legend_above,
    display_text,
    draw_curve,
    figure_of,
    set_integer_ticks,
    set_log_scale,
    set_style,
    spans_decades,
)

Columns = Mapping[str, NDArray[Any]]
Panel = tuple[str, Callable[[Axes], None]]

NOT_TERMS = ("epoch", "seconds", "rate", "loss", "rates")  # columns of a history that are not terms of the objective
VALIDATION = "validation_"
WEIGHT = "weight_"
LEARNING_RATE = "learning rate"  # panel title; the axis stays linear, as most schedules fall linearly to 0
MAX_POINTS = 300  # of the learning rate's curve


def history(history: Columns, *, target: float | None = None, ax: Axes | None = None) -> Figure:
    """Return the figure of a run's training history, panels over one epoch axis.

    The panels, where the history has their numbers: the reconstruction error, each penalty, the mean activation, the
    number of dead latents (active on no row of the epoch), the automatic penalty weights, a learning rate that changes.
    Epochs without a number are gaps.

    Parameters
    ----------
    history : History or mapping of str to array
        Columns, one entry per epoch, such as a fitted estimator's `history_`.
    target : float, optional
        The target mean activation, drawn as a line.
    ax : matplotlib Axes, optional
        If given, only the reconstruction error is drawn, on these axes.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    RecipeError
        If the history has no epoch, or no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> figure = history({"epoch": np.arange(3), "loss": np.array([3.0, 2.0, 1.5])})
    >>> [ax.get_title(loc="left") for ax in figure.axes]
    ['loss']
    """
    if not len(history.get("epoch", ())):
        raise RecipeError("the history has no epoch; fit a model first")
    panels = list(_panels(history, target))
    if not panels:
        raise RecipeError(
            "the history has no finite number: the run diverged in its first epoch; lower the learning rate"
        )
    if ax is not None:
        _draw(ax, *panels[0])
        ax.set_xlabel("epoch")
        return figure_of(ax)
    figure = Figure(figsize=(6.4, 0.6 + 1.15 * len(panels)), layout="constrained")
    grid = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for panel_ax, panel in zip(grid, panels, strict=True):
        _draw(panel_ax, *panel)
    grid[-1].set_xlabel("epoch")
    return figure


def completed_epochs(history: Columns) -> NDArray[Any]:
    """Return the number of epochs completed at each entry of the history: the column "epoch" counts from 0."""
    return np.asarray(history["epoch"]) + 1


def terms(history: Columns) -> list[str]:
    """Return the names of the objective's terms, the reconstruction error first."""
    return [name for name in history if name not in NOT_TERMS and not name.startswith((VALIDATION, WEIGHT))]


def _panels(history: Columns, target: float | None) -> Iterator[Panel]:
    """Yield each panel's title and the function that draws it."""
    for name in terms(history) or ["loss"]:
        held = VALIDATION + name
        if _has_numbers(history, name) or _has_numbers(history, held):
            yield name.replace("_", " "), lambda ax, name=name, held=held: _draw_term(ax, history, name, held)  # type: ignore[misc]
    if _has_numbers(history, "rate"):
        yield "mean activation", lambda ax: _draw_mean_activation(ax, history, target)
    if np.nansum(_dead_counts(history)) > 0:
        yield "dead latents", lambda ax: _draw_dead_counts(ax, history)
    weights = [name for name in history if name.startswith(WEIGHT) and _has_numbers(history, name)]
    if weights:
        yield "penalty weight (auto)", lambda ax: _draw_weights(ax, history, weights)
    steps = getattr(history, "steps", {})
    learning_rates = np.asarray(steps.get("learning_rate", ()), np.float64)
    if len(learning_rates) and np.ptp(learning_rates) > 0:
        yield LEARNING_RATE, lambda ax: _draw_learning_rate(ax, steps)


def _draw(ax: Axes, title: str, draw: Callable[[Axes], None]) -> None:
    draw(ax)
    values = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in ax.lines])
    if title != LEARNING_RATE and spans_decades(values, 1.0):
        set_log_scale(ax, "y", values)
    set_style(ax)
    set_integer_ticks(ax, "x")
    ax.tick_params(labelsize=SMALL)
    ax.set_title(display_text(title, 60), loc="left", fontsize=SMALL + 1)
    add_legend_above(ax)


def _draw_term(ax: Axes, history: Columns, name: str, held: str) -> None:
    """Draw a term on the training rows and on the held-out rows."""
    both = _has_numbers(history, held) and _has_numbers(history, name)
    if _has_numbers(history, name):
        draw_curve(ax, completed_epochs(history), history[name], color=MODEL, **({"label": "training"} if both else {}))
    if _has_numbers(history, held):
        draw_curve(ax, completed_epochs(history), history[held], color=HELD_OUT, linestyle="--", label="held-out")


def _draw_mean_activation(ax: Axes, history: Columns, target: float | None) -> None:
    """Draw the mean activation, and a band that holds the middle 80% of the latents."""
    epochs = completed_epochs(history)
    per_latent = np.asarray(history.get("rates", np.empty((0, 0))), np.float64)
    if per_latent.ndim == 2 and per_latent.shape[1] > 1:
        low, high = np.quantile(per_latent, (0.1, 0.9), axis=1)
        ax.fill_between(epochs, low, high, color=MODEL, alpha=0.15, linewidth=0, label="latents, 10–90%")
    draw_curve(ax, epochs, history["rate"], color=MODEL, label="mean")
    held = np.asarray(history.get(f"{VALIDATION}rates", np.empty((0, 0))), np.float64)
    if held.size and np.isfinite(held).any():
        draw_curve(ax, epochs, held.mean(1), color=HELD_OUT, linestyle="--", label="held-out")
    if target is not None:
        ax.axhline(target, color=REFERENCE, linewidth=1, linestyle=":", label=f"target {target:.3g}")


def _dead_counts(history: Columns) -> NDArray[np.float64]:
    """Return the number of latents whose mean activation in an epoch is exactly 0 [epochs]; NaN without numbers."""
    per_latent = np.asarray(history.get("rates", np.empty((0, 0))), np.float64)
    if per_latent.ndim != 2:
        return np.zeros(0)
    counts = (per_latent == 0).sum(1).astype(float)
    return np.where(np.isnan(per_latent).all(1), np.nan, counts)


def _draw_dead_counts(ax: Axes, history: Columns) -> None:
    draw_curve(ax, completed_epochs(history), _dead_counts(history), color=NONE)
    set_integer_ticks(ax, "y", most=4)


def _draw_weights(ax: Axes, history: Columns, weights: list[str]) -> None:
    for i, name in enumerate(weights):
        label = {"label": display_text(name.removeprefix(WEIGHT).replace("_", " "))} if len(weights) > 1 else {}
        dashes = DASHES[i % len(DASHES)]
        draw_curve(ax, completed_epochs(history), history[name], color=MODEL, linestyle=dashes, **label)


def _draw_learning_rate(ax: Axes, steps: Columns) -> None:
    """Draw the learning rate at its steps; an epoch's last step is at the end of the epoch."""
    epochs, numbers = np.asarray(steps["epoch"]), np.asarray(steps["step"])
    _, epoch_index = np.unique(epochs, return_inverse=True)
    ends = numbers[np.flatnonzero(np.diff(epochs, append=-1))]  # long histories lack steps, but not an epoch's last
    starts = np.append(numbers[0] - 1, ends[:-1])
    positions = epochs + ((numbers - starts[epoch_index]) / (ends - starts)[epoch_index])
    drawn = np.unique(np.linspace(0, len(epochs) - 1, MAX_POINTS).round().astype(int))
    draw_curve(ax, positions[drawn], np.asarray(steps["learning_rate"])[drawn], color=MODEL)


def _has_numbers(history: Columns, name: str) -> bool:
    return name in history and bool(np.isfinite(np.asarray(history[name], np.float64)).any())
