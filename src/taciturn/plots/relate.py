"""What latents have to do with labels: effects with their uncertainty."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from ..core.errors import DataError, RecipeError
from .style import BLUE, GREY, ORANGE, SMALL, axes, home, plain, quiet


class Effect(Protocol):
    """How a latent goes with a class, or with a number: an estimate, and the interval it lies in."""

    @property
    def latent(self) -> int: ...  # noqa: D102
    @property
    def of(self) -> Any: ...  # noqa: D102
    @property
    def effect(self) -> float: ...  # noqa: D102
    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102


# where there is no effect, the ends that none lies beyond, and what is measured
KINDS = {
    "classes": (0.5, (0.0, 1.0), "AUC: 0.5 is chance"),
    "number": (0.0, (-1.0, 1.0), "rank correlation: 0 is none"),
}


def relate(
    effects: Sequence[Effect],
    *,
    kind: str = "classes",
    most: int = 20,
    label: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Return the figure of effects and their intervals, the first at the top, beside the line of no effect.

    `effects` are those that `probes.relate` finds. `kind`: "classes" (the area under the curve, no effect at 0.5) or
    "number" (a correlation, none at 0). Orange lies above that line with its whole interval, blue below, and grey on
    it. `label` says what is measured.
    """
    if kind not in KINDS:
        raise RecipeError(f"kind={kind!r} must be one of {', '.join(KINDS)}")
    if not len(effects):
        raise DataError("there is no effect to show")
    nothing, ends, usual = KINDS[kind]
    shown = effects[:most]
    effect, low, high = (np.array([getattr(e, name) for e in shown], float) for name in ("effect", "low", "high"))
    colours = np.where(low > nothing, ORANGE, np.where(high < nothing, BLUE, GREY))
    ax = axes(height=0.9 + 0.24 * len(shown)) if ax is None else ax
    at = np.arange(len(shown))
    ax.axvline(nothing, color=GREY, linewidth=1, linestyle="--")
    intervals = [[(left, y), (right, y)] for left, right, y in zip(low, high, at, strict=True)]
    ax.add_collection(LineCollection(intervals, colors=list(colours), linewidths=1.8))
    ax.scatter(effect, at, s=24, c=list(colours), linewidths=0, zorder=3)
    reach = np.array([*low, *high, *effect, nothing])
    left, right = np.nanmin(reach), np.nanmax(reach)
    room = 0.04 * (right - left) or 0.04
    quiet(ax, grid="x")
    ax.set_yticks(at, [_name(e) for e in shown], fontsize=SMALL)
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(max(left - room, ends[0] - 0.02), min(right + room, ends[1] + 0.02)), ylim=(len(shown) - 0.4, -0.6))
    ax.set_xlabel(usual if label is None else plain(label, 60))
    if len(shown) < len(effects):
        ax.set_title(f"the first {len(shown):,} of {len(effects):,}", loc="left", fontsize="medium")
    return home(ax)


def _name(effect: Effect) -> str:
    latent = f"latent {effect.latent}"
    return latent if effect.of in (None, "") else f"{latent} · {plain(effect.of)}"
