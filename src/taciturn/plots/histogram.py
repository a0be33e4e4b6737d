"""Histograms shared by figures: logarithmic where values span decades, with a separate bar for zeros."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from ..core.errors import DataError
from .style import MODEL, NONE, set_integer_ticks, set_style, spans_decades

Floats = NDArray[np.float64]

LOG_DECADES = 1.5  # from this span on the axis is logarithmic
MIN_BINS, MAX_BINS = 8, 40


def finite_numbers(values: ArrayLike, name: str, *, missing: bool = False) -> Floats:
    """Return values as finite numbers [N], at least one; `name` is the argument's name in the error message.

    With `missing` some, but not all, may be NaN.
    """
    numbers = np.asarray(values, np.float64).ravel()
    known = numbers[~np.isnan(numbers)] if missing else numbers
    if not len(known) or not np.isfinite(known).all():
        raise DataError(f"{name} must be finite numbers, at least one (after a diverged fit: lower the learning rate)")
    return numbers


def bin_edges(values: Floats) -> tuple[Floats, bool]:
    """Return the bins' edges [bins + 1] for values, and whether they are spaced logarithmically."""
    bins = int(np.clip(2 * np.sqrt(len(values)), MIN_BINS, MAX_BINS))
    is_log = spans_decades(values, LOG_DECADES)
    low, high = float(values.min()), float(values.max())
    if is_log:
        return np.geomspace(low, high, bins + 1), True
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # all equal
        half = 0.05 * abs(low) or 0.5
        return np.array([low - half, low + half]), False
    return np.linspace(low, high, bins + 1), False


def draw_histogram(ax: Axes, values: Floats, *, zeros: str | None = None) -> Floats:
    """Draw the histogram of values [N] and return the bins' edges.

    If `zeros` is given, values that are exactly 0 have a separate bar at the left with this name.
    """
    rest = values if zeros is None else values[values != 0]
    named_ticks: dict[float, str] = {}
    edges, is_log = bin_edges(rest) if len(rest) else (np.array([0.0, 1.0]), False)
    if len(rest):
        counts = np.histogram(rest, edges)[0]
        ax.stairs(counts, edges, fill=True, color=MODEL, linewidth=0)
    if is_log:
        ax.set_xscale("log")
    if len(rest) < len(values):
        left, right = _zero_bar(edges, is_log)
        ax.stairs([len(values) - len(rest)], [left, right], fill=True, color=NONE, linewidth=0)
        named_ticks[float(np.sqrt(left * right)) if is_log else (left + right) / 2] = str(zeros)
    _set_ticks(ax, edges, is_log, named_ticks, with_numbers=len(rest) > 0)
    set_style(ax, grid="y")
    ax.tick_params(axis="x", which="both", bottom=True)
    set_integer_ticks(ax, "y", most=6)
    ax.set_ylim(bottom=0)
    if len(edges) == 2 and not (len(rest) and len(rest) < len(values)):  # a single bar must not fill the axes
        left, right = ax.get_xlim()
        ax.set_xlim(left - 3 * (right - left), right + 3 * (right - left))
    return edges


def _zero_bar(edges: Floats, is_log: bool) -> tuple[float, float]:
    """Return the ends of the bar of zeros: a twentieth of the bins' span wide, and as far to the left of them."""
    low, high = edges[0], edges[-1]
    if is_log:
        step = (high / low) ** 0.05
        return low / step**2, low / step
    step = (high - low) * 0.05
    return low - 2 * step, low - step


def _set_ticks(ax: Axes, edges: Floats, is_log: bool, named_ticks: dict[float, str], *, with_numbers: bool) -> None:
    """Put ticks at plain numbers within the bins, and at the named positions."""
    low, high = float(edges[0]), float(edges[-1])
    numbers: list[Any] = []
    if with_numbers and is_log:
        powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        candidates = powers[:: max(1, len(powers) // 8)] if high / low > 300 else np.outer(powers, [1, 2, 5]).ravel()
        numbers = [tick for tick in candidates if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
    elif with_numbers and len(edges) == 2:
        numbers = [(low + high) / 2]
    elif with_numbers:
        numbers = [tick for tick in MaxNLocator(6).tick_values(low, high) if low <= tick <= high or not named_ticks]
    ticks = {**named_ticks, **{float(tick): f"{tick:.6g}" for tick in numbers}}
    ax.xaxis.set_major_locator(FixedLocator(list(ticks)))
    ax.xaxis.set_major_formatter(FixedFormatter(list(ticks.values())))
    ax.xaxis.set_minor_locator(NullLocator())
