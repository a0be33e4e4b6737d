"""Géron's Figure 15-10 (2017): the two sparsity losses against the mean activation of a latent."""

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ..core.errors import RecipeError
from ..objective import kl, squared_rate
from .style import AMBER, MODEL, REFERENCE, SKY, add_legend_above, figure_of, new_axes, set_style

RASTER_MARKS = 2_000  # above this many, marks are stored as pixels

Curve = NDArray[np.float64]


def curves(target: float, rates: ArrayLike) -> tuple[Curve, Curve]:
    """Return the squared error and the Kullback-Leibler divergence of mean activations from a target.

    Parameters
    ----------
    target : float
        The target mean activation, in (0, 1).
    rates : array of shape [N]
        Mean activations, in (0, 1).

    Returns
    -------
    squared, divergence : arrays [N], float64
        Both ≥ 0, and 0 at the target.

    Examples
    --------
    >>> squared, divergence = curves(0.1, [0.1, 0.5])
    >>> squared.round(4).tolist(), divergence.round(4).tolist()
    ([0.0, 0.16], [0.0, 0.3681])
    """
    q = torch.as_tensor(np.asarray(rates, np.float64))
    return squared_rate(target, q).numpy(), kl(target, q).numpy()


def sparsity_loss(target: float, rates: ArrayLike | None = None, *, ax: Axes | None = None) -> Figure:
    """Return the figure of both sparsity losses against the mean activation, with a line at the target.

    Parameters
    ----------
    target : float
        The target mean activation, in (0, 1).
    rates : array of shape [n_components], optional
        A model's own mean activations, in [0, 1], drawn as ticks on the x axis.
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    RecipeError
        If `target` lies outside (0, 1), or a rate outside [0, 1].

    Notes
    -----
    Figure 15-10 of Géron (2017).

    Examples
    --------
    >>> figure = sparsity_loss(0.1, [0.05, 0.15])
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['KL divergence', 'squared error', 'target 0.1', '2 latents, mean activation 0.100']
    """
    if not 0 < target < 1:
        raise RecipeError(f"target={target} must lie between 0 and 1, both excluded")
    means = np.asarray([] if rates is None else rates, np.float64)
    if means.size and not (means.min() >= 0 and means.max() <= 1):
        raise RecipeError(
            f"rates from {means.min():g} to {means.max():g} do not lie in [0, 1]; both losses need codes in [0, 1], "
            "such as sigmoid codes"
        )
    ax = new_axes() if ax is None else ax
    x = np.linspace(0.001, 0.999, 999)
    squared, divergence = curves(target, x)
    ax.plot(x, divergence, color=SKY, linewidth=2, label="KL divergence")
    ax.plot(x, squared, color=AMBER, linewidth=2, linestyle="--", label="squared error")
    ax.axvline(target, color=REFERENCE, linewidth=1, linestyle=":", label=f"target {target:g}")
    if means.size:
        label = f"{means.size} latents, mean activation {means.mean():.3f}"
        options: dict[str, Any] = {"color": MODEL, "markersize": 16, "alpha": 0.6, "clip_on": False}
        ax.plot(means, np.zeros_like(means), "|", label=label, rasterized=means.size > RASTER_MARKS, **options)
    ax.set(xlim=(0, 1), ylim=(0, 0.95), xlabel="actual sparsity (mean activation)", ylabel="loss")
    set_style(ax)
    add_legend_above(ax, ncols=2)
    return figure_of(ax)
