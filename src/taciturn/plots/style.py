"""How all figures look: one palette that colour-blind readers can tell apart (Okabe and Ito, 2008), quiet axes.

Every colour of every figure is one of `COLOURS`, or one of them made transparent: whoever puts a figure on a page may
replace them by name. The colour maps end in nothing rather than in white, so that images suit any paper.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from ..core.atomic import atomic
from ..core.errors import RecipeError

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6E6E6E"
PURPLE, AMBER, SKY = "#CC79A7", "#E69F00", "#56B4E9"
TEXT, EDGE, FRAME, GRID = "#222222", "#8A8A8A", "#D0D0D0", "#E6E6E6"
COLOURS = {
    "blue": BLUE,
    "orange": ORANGE,
    "green": GREEN,
    "purple": PURPLE,
    "amber": AMBER,
    "sky": SKY,
    "grey": GREY,
    "text": TEXT,
    "edge": EDGE,
    "frame": FRAME,
    "grid": GRID,
}
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY)
DASHES = ("-", "--", ":", "-.")
FORMATS = (".png", ".svg", ".pdf")
SMALL = 8  # points


def _clear(colour: str) -> tuple[float, ...]:
    return to_rgba(colour, 0)


# -1 … 0 … 1: blue, nothing, orange; and 0 … 1: nothing, orange
SIGNED = LinearSegmentedColormap.from_list(
    "signed", [(0, to_rgba(BLUE)), (0.5, _clear(BLUE)), (0.5, _clear(ORANGE)), (1, to_rgba(ORANGE))]
)
AMOUNT = LinearSegmentedColormap.from_list("amount", [_clear(ORANGE), to_rgba(ORANGE)])


def axes(width: float = 6.4, height: float = 4.0) -> Axes:
    """Return fresh axes on a figure of their own; no global state is touched."""
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def home(ax: Axes) -> Figure:
    """Return the figure that the axes stand on."""
    figure = ax.figure
    assert isinstance(figure, Figure)
    return figure


def ink(ax: Axes) -> None:
    """Give text, ticks and spines the style's colours."""
    ax.tick_params(which="both", color=EDGE, labelcolor=TEXT)
    ax.spines[:].set_color(EDGE)
    for text in (ax.title, ax._left_title, ax._right_title, ax.xaxis.label, ax.yaxis.label):  # type: ignore[attr-defined]
        text.set_color(TEXT)


def quiet(ax: Axes, *, grid: str = "both") -> None:
    """Leave only the axes that are read; the grid follows "x", "y" or "both"."""
    ink(ax)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(False)
    ax.grid(True, axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def bare(ax: Axes) -> None:
    """Leave no ticks and no spines."""
    ink(ax)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def legend(ax: Axes, **how: Any) -> None:
    """Name what is drawn, if anything has a name; without a box, which would have to know the paper's colour."""
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        usual: dict[str, Any] = {"frameon": False, "labelcolor": TEXT, "loc": "best"}
        ax.legend(handles, labels, **usual | how)


def legend_above(ax: Axes, **how: Any) -> None:
    """Name what is drawn above the axes at the right, where it hides nothing."""
    usual: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 4, "borderaxespad": 0.2}
    legend(ax, **{"fontsize": SMALL, "columnspacing": 1.2, "handlelength": 1.6} | usual | how)


def whole(ax: Axes, axis: str, *, most: int = 8) -> None:
    """Put ticks at whole numbers only."""
    getattr(ax, f"{axis}axis").set_major_locator(MaxNLocator(most, integer=True))


def curve(ax: Axes, x: ArrayLike, y: ArrayLike, **how: Any) -> Line2D:
    """Draw y [N] over x [N] as one line with gaps where y is not finite; a point without neighbours is a dot."""
    y = np.asarray(y, np.float64)
    there = np.isfinite(y)
    beside = np.append(there[1:], False) | np.append(False, there[:-1])
    alone = np.flatnonzero(there & ~beside).tolist()
    usual: dict[str, Any] = {"linewidth": 1.6}
    if alone:
        usual |= {"marker": "o", "markersize": 4, "markevery": alone}
    (line,) = ax.plot(np.asarray(x), np.where(there, y, np.nan), **usual | how)
    return line


def decades(ax: Axes, axis: str, values: NDArray[Any]) -> None:
    """Make an axis logarithmic, its ticks plain numbers; where values span few decades also at 2 and 5 of each."""
    ax.set(**{f"{axis}scale": "log"})
    along = getattr(ax, f"{axis}axis")
    along.set_major_locator(LogLocator(subs=(1.0,) if spans(values, 2.0) else (1.0, 2.0, 5.0), numticks=8))
    along.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    along.set_minor_locator(NullLocator())


def bar_of(drawn: AxesImage, label: str, ticks: Sequence[float] | None = None) -> None:
    """Put an image's scale of colours beside it (which matplotlib stores as pixels)."""
    assert drawn.axes is not None
    bar = home(drawn.axes).colorbar(drawn, ax=drawn.axes, ticks=ticks)
    ink(bar.ax)
    bar.set_label(label, color=TEXT)
    bar.ax.spines[:].set_visible(False)


def spans(values: NDArray[Any], decades: float) -> bool:
    """Return whether finite values, all above 0, differ by so many decades or more."""
    values = values[np.isfinite(values)]
    if not len(values) or values.min() <= 0:
        return False
    return bool(np.log10(values.max()) - np.log10(values.min()) >= decades)


def plain(name: Any, most: int = 28) -> str:
    """Return a name as a figure can show it: on one line, at most so many characters, `$` an ordinary sign.

    Examples
    --------
    >>> plain("price in $, or in US$")
    'price in \\\\$, or in US\\\\$'
    >>> plain("a rather long name of a column", 12)
    'a rather lo…'
    """
    text = str(name)[: most * 8]  # of a book, no more than what can be seen
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if len(text) > most or len(str(name)) > most * 8:
        text = text[: most - 1].rstrip() + "…"
    return text.replace("$", r"\$")


def in_legend(name: Any) -> str:
    """Return a name as a legend shows it: matplotlib leaves out what is empty or begins with an underscore."""
    text = plain(name) or "(no name)"
    return " " + text if text.startswith("_") else text


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG, SVG or PDF, by the file's ending, whole or not at all."""
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise RecipeError(f"{path}: figures are written as {', '.join(FORMATS)}; choose one of these endings")
    with atomic(path) as temporary:
        write(figure, temporary)


def write(figure: Figure, path: Path) -> None:
    """Write a figure into a folder that is itself being written."""
    figure.savefig(path, format=path.suffix.lower()[1:], dpi=160)
