"""The textbook's Figure 15-10: how the two sparsity losses punish a latent that is too loud or too quiet."""

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ..core.errors import RecipeError
from ..objective import kl, squared_rate
from .style import BLUE, GREEN, GREY, ORANGE, axes, home, legend, quiet

MANY = 2_000  # marks, from which on they are stored as pixels

Curve = NDArray[np.float64]


def curves(target: float, rates: ArrayLike) -> tuple[Curve, Curve]:
    """Return the squared error and the Kullback-Leibler divergence of each actual rate in (0, 1), in float64.

    Examples
    --------
    >>> squared, divergence = curves(0.1, [0.1, 0.5])
    >>> squared.round(4).tolist(), divergence.round(4).tolist()
    ([0.0, 0.16], [0.0, 0.3681])
    """
    q = torch.as_tensor(np.asarray(rates, np.float64))
    return squared_rate(target, q).numpy(), kl(target, q).numpy()


def sparsity_loss(target: float, rates: ArrayLike | None = None, *, ax: Axes | None = None) -> Figure:
    """Return the figure of both losses against the actual sparsity, the target marked (Géron, 2017, Figure 15-10).

    `rates` [n_components]: a model's own mean activations, drawn as ticks on the same axis. 0 < target < 1.
    """
    if not 0 < target < 1:
        raise RecipeError(f"target={target} must lie between 0 and 1, both excluded")
    said = np.asarray([] if rates is None else rates, np.float64)
    if said.size and not (said.min() >= 0 and said.max() <= 1):
        raise RecipeError(f"rates from {said.min():g} to {said.max():g} do not lie in [0, 1]; these codes have no rate")
    ax = axes() if ax is None else ax
    actual = np.linspace(0.001, 0.999, 999)
    squared, divergence = curves(target, actual)
    ax.plot(actual, divergence, color=BLUE, linewidth=2, label="KL divergence")
    ax.plot(actual, squared, color=ORANGE, linewidth=2, linestyle="--", label="squared error")
    ax.axvline(target, color=GREY, linewidth=1, linestyle=":", label=f"target {target:g}")
    if said.size:
        label = f"{said.size} latents, mean rate {said.mean():.3f}"
        marks: dict[str, Any] = {"color": GREEN, "markersize": 16, "alpha": 0.6, "clip_on": False}
        ax.plot(said, np.zeros_like(said), "|", label=label, rasterized=said.size > MANY, **marks)
    ax.set(xlim=(0, 1), ylim=(0, 0.95), xlabel="actual sparsity (mean activation)", ylabel="cost")
    quiet(ax)
    legend(ax)
    return home(ax)
