"""How often each latent is at work, and whether any never is."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .histogram import bars, numbers
from .style import ORANGE, axes, home, legend_above

SILENT = "silent"


def rates(
    firing: ArrayLike,
    *,
    target: float | None = None,
    ax: Axes | None = None,
    label: str = "share of the rows on which a latent fires",
) -> Figure:
    """Return the histogram of latents by how often they fire, or by their mean activation [n_components].

    Over decades where the numbers span them. Latents at exactly 0 are a bar of their own at the left; `target` is a
    line.
    """
    found = numbers(firing, "firing")
    ax = axes(height=3.2) if ax is None else ax
    bars(ax, found, zeros=SILENT)
    if target is not None:
        ax.axvline(target, color=ORANGE, linewidth=1.2, linestyle="--", label=f"target {target:.3g}")
    quietly = int((found == 0).sum())
    said = f"{len(found):,} latent{'s' * (len(found) != 1)}" + (f", {quietly:,} {SILENT}" if quietly else "")
    ax.set(xlabel=label, ylabel="latents")
    ax.set_title(said, loc="left", fontsize="medium")
    legend_above(ax)
    return home(ax)
