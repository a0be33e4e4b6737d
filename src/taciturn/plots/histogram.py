"""Bars of counts that three figures share: over decades where values span them, zeros as a bar of their own."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from ..core.errors import DataError
from .style import BLUE, GREY, quiet, spans, whole

Floats = NDArray[np.float64]

DECADES = 1.5  # from here on the axis is logarithmic
BINS = 8, 40


def numbers(values: ArrayLike, name: str) -> Floats:
    """Return values as finite numbers [N], at least one."""
    found = np.asarray(values, np.float64).ravel()
    if not len(found) or not np.isfinite(found).all():
        raise DataError(f"{name} must be finite numbers, at least one; a model that diverged has none to show")
    return found


def edges(values: Floats) -> tuple[Floats, bool]:
    """Return the bins' edges for values, and whether they are spaced over decades."""
    bins = int(np.clip(2 * np.sqrt(len(values)), *BINS))
    decades = spans(values, DECADES)
    low, high = float(values.min()), float(values.max())
    if decades:
        return np.geomspace(low, high, bins + 1), True
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # all alike
        half = 0.05 * abs(low) or 0.5
        return np.array([low - half, low + half]), False
    return np.linspace(low, high, bins + 1), False


def bars(ax: Axes, values: Floats, *, zeros: str | None = None) -> Floats:
    """Draw how many of the values lie in each bin, and return the bins' edges.

    `zeros`: how values that are exactly 0 are called; they get a bar of their own at the left.
    """
    rest = values if zeros is None else values[values != 0]
    places: dict[float, str] = {}
    found, decades = edges(rest) if len(rest) else (np.array([0.0, 1.0]), False)
    if len(rest):
        counts = np.histogram(rest, found)[0]
        ax.stairs(counts, found, fill=True, color=BLUE, linewidth=0)
    if decades:
        ax.set_xscale("log")
    if len(rest) < len(values):
        left, right = _aside(found, decades)
        ax.stairs([len(values) - len(rest)], [left, right], fill=True, color=GREY, linewidth=0)
        places[float(np.sqrt(left * right)) if decades else (left + right) / 2] = str(zeros)
    _ticks(ax, found, decades, places, with_numbers=len(rest) > 0)
    quiet(ax, grid="y")
    ax.tick_params(axis="x", which="both", bottom=True)
    whole(ax, "y", most=6)
    ax.set_ylim(bottom=0)
    if len(found) == 2 and not (len(rest) and len(rest) < len(values)):  # one bar is no wall
        left, right = ax.get_xlim()
        ax.set_xlim(left - 3 * (right - left), right + 3 * (right - left))
    return found


def _aside(found: Floats, decades: bool) -> tuple[float, float]:
    """Return the ends of a bar to the left of the others, a twentieth of their width and as much away."""
    low, high = found[0], found[-1]
    if decades:
        step = (high / low) ** 0.05
        return low / step**2, low / step
    step = (high - low) * 0.05
    return low - 2 * step, low - step


def _ticks(ax: Axes, found: Floats, decades: bool, places: dict[float, str], *, with_numbers: bool) -> None:
    """Put ticks where values are, named as plain numbers, and at the named places."""
    low, high = float(found[0]), float(found[-1])
    at: list[Any] = []
    if with_numbers and decades:
        powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        every = powers[:: max(1, len(powers) // 8)] if high / low > 300 else np.outer(powers, [1, 2, 5]).ravel()
        at = [tick for tick in every if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
    elif with_numbers and len(found) == 2:
        at = [(low + high) / 2]
    elif with_numbers:
        at = [tick for tick in MaxNLocator(6).tick_values(low, high) if low <= tick <= high or not places]
    ticks = {**places, **{float(tick): f"{tick:.6g}" for tick in at}}
    ax.xaxis.set_major_locator(FixedLocator(list(ticks)))
    ax.xaxis.set_major_formatter(FixedFormatter(list(ticks.values())))
    ax.xaxis.set_minor_locator(NullLocator())
