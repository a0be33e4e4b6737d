"""Histogram of the latents' firing rates or mean activations."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .histogram import draw_histogram, finite_numbers
from .style import REFERENCE, add_legend_above, figure_of, new_axes

DEAD = "dead"


def rates(
    firing: ArrayLike,
    *,
    target: float | None = None,
    ax: Axes | None = None,
    label: str = "firing rate (share of rows on which a latent is active)",
) -> Figure:
    """Return the histogram of the latents' firing rates, or of their mean activations.

    The axis is logarithmic where the numbers span decades. Latents at exactly 0 are a separate bar at the left, "dead".

    Parameters
    ----------
    firing : array of shape [n_components]
        Each latent's firing rate, in [0, 1], or its mean activation.
    target : float, optional
        Drawn as a vertical line.
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.
    label : str, optional
        The x axis label; give "mean activation" for mean activations.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    DataError
        If a number is not finite, or there are none.

    Examples
    --------
    >>> figure = rates([0, 0, 0.001, 0.01, 0.1, 0.5], target=0.1)
    >>> figure.axes[0].get_title(loc="left")
    '6 latents · 2 dead'
    """
    values = finite_numbers(firing, "firing")
    ax = new_axes(height=3.2) if ax is None else ax
    draw_histogram(ax, values, zeros=DEAD)
    if target is not None:
        ax.axvline(target, color=REFERENCE, linewidth=1.2, linestyle=":", label=f"target {target:.3g}")
    n_dead = int((values == 0).sum())
    title = f"{len(values):,} latent{'s' * (len(values) != 1)}" + (f" · {n_dead:,} {DEAD}" if n_dead else "")
    ax.set(xlabel=label, ylabel="latents")
    ax.set_title(title, loc="left", fontsize="medium")
    add_legend_above(ax)
    return figure_of(ax)
