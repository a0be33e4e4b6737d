"""Effects of latents on labels, with their intervals."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from ..core.errors import DataError, RecipeError
from .style import NEGATIVE, NONE, POSITIVE, REFERENCE, SMALL, check_most, display_text, figure_of, new_axes, set_style


class Effect(Protocol):
    """The relation of a latent to a class or a number: an estimate and its interval; see `probes.Effect`."""

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


# the value without any effect, the bounds of the effect, and the axis label
KINDS = {
    "classes": (0.5, (0.0, 1.0), "AUC (0.5: chance)"),
    "number": (0.0, (-1.0, 1.0), "Spearman correlation (0: none)"),
}


def relate(
    effects: Sequence[Effect],
    *,
    kind: str = "classes",
    most: int = 20,
    total: int | None = None,
    label: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Return the figure of effects and their intervals, the first at the top, with a line at no effect.

    An interval wholly above that line is orange, wholly below it blue, and across it grey.

    Parameters
    ----------
    effects : sequence of Effect
        Such as `probes.relate(...).effects`.
    kind : {"classes", "number"}, default="classes"
        "classes": effects are AUCs, no effect is 0.5. "number": effects are correlations, no effect is 0.
    most : int, default=20
        Maximal number of effects shown, ≥ 1.
    total : int, optional
        Number of effects of which the strongest are given; the title names it. By default as many as are given.
    label : str, optional
        The x axis label; by default what the kind measures.
    ax : matplotlib Axes, optional
        Where to draw; by default axes on a new figure.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    RecipeError
        If `kind` is unknown, or `most` is less than 1.
    DataError
        If there are no effects.

    Examples
    --------
    >>> from taciturn.probes import Effect
    >>> effect = Effect(3, "yes", 0.8, 0.7, 0.9, p=0.01, q=0.02, precision=0.7, recall=0.6)
    >>> [tick.get_text() for tick in relate([effect]).axes[0].get_yticklabels()]
    ['latent 3 · yes']
    """
    if kind not in KINDS:
        raise RecipeError(f"kind={kind!r} must be one of {', '.join(KINDS)}")
    check_most(most)
    if not len(effects):
        raise DataError("there is no effect to show; give one or more")
    no_effect, bounds, default_label = KINDS[kind]
    shown = effects[:most]
    effect, low, high = (np.array([getattr(e, name) for e in shown], float) for name in ("effect", "low", "high"))
    colours = np.where(low > no_effect, POSITIVE, np.where(high < no_effect, NEGATIVE, NONE))
    ax = new_axes(height=0.9 + 0.24 * len(shown)) if ax is None else ax
    positions = np.arange(len(shown))
    ax.axvline(no_effect, color=REFERENCE, linewidth=1, linestyle="--")
    intervals = [[(left, y), (right, y)] for left, right, y in zip(low, high, positions, strict=True)]
    ax.add_collection(LineCollection(intervals, colors=list(colours), linewidths=1.8))
    ax.scatter(effect, positions, s=24, c=list(colours), linewidths=0, zorder=3)
    values = np.array([*low, *high, *effect, no_effect])
    left, right = np.nanmin(values), np.nanmax(values)
    margin = 0.04 * (right - left) or 0.04
    set_style(ax, grid="x")
    ax.set_yticks(positions, [_name(e) for e in shown], fontsize=SMALL)
    ax.tick_params(axis="y", length=0)
    xlim = (max(left - margin, bounds[0] - 0.02), min(right + margin, bounds[1] + 0.02))
    ax.set(xlim=xlim, ylim=(len(shown) - 0.4, -0.6))
    ax.set_xlabel(default_label if label is None else display_text(label, 60))
    total = len(effects) if total is None else total
    if len(shown) < total:
        ax.set_title(f"the first {len(shown):,} of {total:,} effects", loc="left", fontsize="medium")
    return figure_of(ax)


def _name(effect: Effect) -> str:
    latent = f"latent {effect.latent}"
    return latent if effect.of in (None, "") else f"{latent} · {display_text(effect.of)}"
