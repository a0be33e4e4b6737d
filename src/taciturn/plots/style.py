"""The common style of all figures: one palette that colour-blind readers can distinguish (Okabe and Ito, 2008).

Every colour of every figure is one of `COLOURS`, or one of them made transparent, so a page that shows a figure can
replace colours by name. Colours have one meaning each, the same in all figures and on the pages: see `MODEL` and the
names below it. The colour maps are transparent at 0, not white, so images suit any background.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
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
MODEL, HELD_OUT = GREEN, PURPLE  # what a model does; the same on held-out rows
POSITIVE, NEGATIVE = ORANGE, BLUE  # signs: of weights, correlations and effects
REFERENCE = TEXT  # targets, means and other bounds, drawn as broken lines
NONE = GREY  # exactly 0, dead, without an effect
MISSING = AMBER  # the place of a missing value
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY)  # things without an order, such as several runs: see `run_colour`
DASHES = ("-", "--", ":", "-.")
FORMATS = (".png", ".svg", ".pdf")
SMALL = 8  # font size, points


def _transparent(colour: str) -> tuple[float, ...]:
    return to_rgba(colour, 0)


# -1 … 0 … 1: blue, transparent, orange; and 0 … 1: transparent, green
SIGNED = LinearSegmentedColormap.from_list(
    "signed",
    [(0, to_rgba(NEGATIVE)), (0.5, _transparent(NEGATIVE)), (0.5, _transparent(POSITIVE)), (1, to_rgba(POSITIVE))],
)
AMOUNT = LinearSegmentedColormap.from_list("amount", [_transparent(MODEL), to_rgba(MODEL)]).with_extremes(bad=MISSING)


GREYS = matplotlib.colormaps["gray_r"].with_extremes(bad=MISSING)


def marked(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an image in colours [H, W, 3] with the colour of missing values where a pixel is NaN; others unchanged."""
    missing = np.isnan(image).any(axis=2, keepdims=True) if image.ndim == 3 else np.zeros(1, bool)
    return np.where(missing, to_rgba(MISSING)[:3], image) if np.any(missing) else image


def run_colour(i: int) -> str:
    """Return the colour of run i of several, the same in each figure of a comparison."""
    return CYCLE[i % len(CYCLE)]


def check_most(most: int) -> None:
    """Raise a RecipeError if `most`, the maximal number of things drawn, is not a whole number ≥ 1."""
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1:
        raise RecipeError(f"most={most!r} must be a whole number, 1 or more")


def new_axes(width: float = 6.4, height: float = 4.0) -> Axes:
    """Return axes on a new figure of width × height inches; no global state is changed."""
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def figure_of(ax: Axes) -> Figure:
    """Return the figure that the axes belong to."""
    figure = ax.figure
    assert isinstance(figure, Figure)
    return figure


def set_colours(ax: Axes) -> None:
    """Set the style's colours for text, ticks and spines."""
    ax.tick_params(which="both", color=EDGE, labelcolor=TEXT)
    ax.spines[:].set_color(EDGE)
    for text in (ax.title, ax._left_title, ax._right_title, ax.xaxis.label, ax.yaxis.label):  # type: ignore[attr-defined]
        text.set_color(TEXT)


def set_style(ax: Axes, *, grid: str = "both") -> None:
    """Set the style's colours, hide the top and right spines, and draw a grid along "x", "y" or "both"."""
    set_colours(ax)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(False)
    ax.grid(True, axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def hide_frame(ax: Axes) -> None:
    """Hide ticks and spines."""
    set_colours(ax)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def add_legend(ax: Axes, **options: Any) -> None:
    """Add a legend if anything has a label; without a frame, whose colour would depend on the page."""
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        defaults: dict[str, Any] = {"frameon": False, "labelcolor": TEXT, "loc": "best"}
        ax.legend(handles, labels, **defaults | options)


def add_legend_above(ax: Axes, **options: Any) -> None:
    """Add a legend above the axes at the right, where it hides nothing."""
    defaults: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 4, "borderaxespad": 0.2}
    add_legend(
        ax, **{"fontsize": SMALL, "columnspacing": 0.8, "handlelength": 1.6, "handletextpad": 0.4} | defaults | options
    )


def set_integer_ticks(ax: Axes, axis: str, *, most: int = 8) -> None:
    """Put at most about `most` ticks on axis "x" or "y", at whole numbers only."""
    getattr(ax, f"{axis}axis").set_major_locator(MaxNLocator(most, integer=True))


def draw_curve(ax: Axes, x: ArrayLike, y: ArrayLike, **options: Any) -> Line2D:
    """Draw y [N] over x [N] as one line, with gaps where y is not finite; a point between gaps is a dot."""
    y = np.asarray(y, np.float64)
    finite = np.isfinite(y)
    has_neighbour = np.append(finite[1:], False) | np.append(False, finite[:-1])
    isolated = np.flatnonzero(finite & ~has_neighbour).tolist()
    defaults: dict[str, Any] = {"linewidth": 1.6}
    if isolated:
        defaults |= {"marker": "o", "markersize": 4, "markevery": isolated}
    (line,) = ax.plot(np.asarray(x), np.where(finite, y, np.nan), **defaults | options)
    return line


def set_log_scale(ax: Axes, axis: str, values: NDArray[Any]) -> None:
    """Make an axis logarithmic, with ticks at 1 (over less than two decades also at 2 and 5) of each decade."""
    ax.set(**{f"{axis}scale": "log"})
    mpl_axis = getattr(ax, f"{axis}axis")
    mpl_axis.set_major_locator(LogLocator(subs=(1.0,) if spans_decades(values, 2.0) else (1.0, 2.0, 5.0), numticks=8))
    mpl_axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    mpl_axis.set_minor_locator(NullLocator())


def add_colour_bar(image: AxesImage, label: str, ticks: Sequence[float] | None = None) -> None:
    """Add a colour bar beside an image (matplotlib stores it as pixels)."""
    assert image.axes is not None
    bar = figure_of(image.axes).colorbar(image, ax=image.axes, ticks=ticks)
    set_colours(bar.ax)
    bar.set_label(label, color=TEXT)
    bar.ax.spines[:].set_visible(False)


def spans_decades(values: NDArray[Any], decades: float) -> bool:
    """Return whether the finite values are all above 0 and span at least so many decades."""
    values = values[np.isfinite(values)]
    if not len(values) or values.min() <= 0:
        return False
    return bool(np.log10(values.max()) - np.log10(values.min()) >= decades)


def display_text(name: Any, most: int = 28) -> str:
    """Return a name as a figure can show it: on one line, at most `most` characters, `$` escaped.

    Examples
    --------
    >>> display_text("price in $, or in US$")
    'price in \\\\$, or in US\\\\$'
    >>> display_text("a rather long name of a column", 12)
    'a rather lo…'
    """
    text = str(name)[: most * 8]  # of a very long text, no more than can be visible
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if len(text) > most or len(str(name)) > most * 8:
        text = text[: most - 1].rstrip() + "…"
    return text.replace("$", r"\$")


def legend_text(name: Any) -> str:
    """Return a name as a legend can show it: matplotlib omits labels that are empty or begin with an underscore."""
    text = display_text(name) or "(no name)"
    return " " + text if text.startswith("_") else text


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure to a PNG, SVG or PDF file; the file is complete or is not changed.

    Parameters
    ----------
    figure : matplotlib Figure
        The figure.
    path : str or path
        Ends in .png, .svg or .pdf; the ending selects the format.

    Raises
    ------
    RecipeError
        If the ending is another one.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from taciturn import plots
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plots.save(plots.rates([0.1, 0.2]), Path(folder) / "rates.svg")
    ...     [file.name for file in Path(folder).iterdir()]
    ['rates.svg']
    """
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise RecipeError(f"{path}: figures are written as {', '.join(FORMATS)}; choose one of these endings")
    with atomic(path) as temporary:
        write(figure, temporary)


def write(figure: Figure, path: Path) -> None:
    """Write a figure to a file directly, for callers that already write into a temporary folder; else use `save`.

    Parameters
    ----------
    figure : matplotlib Figure
        The figure.
    path : Path
        Ends in .png, .svg or .pdf; the ending selects the format.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from taciturn import plots
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plots.write(plots.rates([0.1, 0.2]), Path(folder) / "rates.png")
    ...     [file.name for file in Path(folder).iterdir()]
    ['rates.png']
    """
    figure.savefig(path, format=path.suffix.lower()[1:], dpi=160)
