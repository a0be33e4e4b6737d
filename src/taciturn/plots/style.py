"""How all figures look: one palette that colour-blind readers can tell apart (Okabe and Ito, 2008), quiet axes."""

import os
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..atomic import atomic
from ..errors import RecipeError

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6E6E6E"
FORMATS = (".png", ".svg", ".pdf")


def axes(width: float = 6.4, height: float = 4.0) -> Axes:
    """Return fresh axes on a figure of their own; no global state is touched."""
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def quiet(ax: Axes) -> None:
    """Leave only the axes that are read."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="#E6E6E6", linewidth=0.8)
    ax.set_axisbelow(True)


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
