"""Figures as inline SVG whose colours follow the page's light or dark setting."""

import math
import re
import warnings
from collections.abc import Iterator
from io import StringIO
from itertools import groupby
from typing import Any

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from ...plots import style

# each colour of a figure and the CSS variable that replaces it; black is matplotlib's default
CSS_COLOURS = {colour: f"--c-{name}" for name, colour in style.COLOURS.items()} | {"#000000": "--c-text"}
MIN_WIDE = 6.0  # inches; from this width on figures are narrowed, so that their text can be read on a phone
NARROWED = (0.8, 0.9)  # their width and height on the page, of the original size
MAX_STRETCH = 1.2  # on a wide screen
MAX_POINTS = 150  # of a small curve
SVG_SETTINGS: Any = {"svg.fonttype": "none", "svg.hashsalt": "taciturn", "path.simplify": True}


def svg(figure: Figure, prefix: str, description: str) -> Markup:
    """Return a matplotlib figure as an <svg> element.

    Parameters
    ----------
    figure : Figure
        The figure; a wide one becomes narrower, so that its text is larger on a phone.
    prefix : str
        Put in front of all ids, so that they differ from those of other figures on the page.
    description : str
        The text alternative.

    Returns
    -------
    Markup
        Text stays text, and the colours of `plots.style` become the page's CSS variables.
    """
    if figure.get_figwidth() >= MIN_WIDE:
        figure.set_size_inches(*(figure.get_size_inches() * NARROWED))
    text = StringIO()
    with matplotlib.rc_context(SVG_SETTINGS), warnings.catch_warnings():
        # text stays text, so the browser's font draws a sign that matplotlib's font lacks
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    element = text.getvalue()
    element = element[element.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', element)
    element = re.sub(r'(url\(|href=")#', rf"\1#{prefix}-", element)
    element = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", element)
    for colour, variable in CSS_COLOURS.items():
        element = re.sub(re.escape(colour) + r"\b", f"var({variable})", element, flags=re.IGNORECASE)
    width = re.search(r'<svg[^>]*? width="([\d.]+)pt"', element)
    max_width = f"max-width:{MAX_STRETCH * float(width[1]) * 4 / 3:.0f}px" if width else ""
    element = re.sub(r'<svg([^>]*?) width="[\d.]+pt"', r"<svg\1", element, count=1)
    element = re.sub(r'<svg([^>]*?) height="[\d.]+pt"', r"<svg\1", element, count=1)
    label = Markup.escape(description)
    return Markup(element.replace("<svg", f'<svg role="img" aria-label="{label}" style="{max_width}"', 1))


def curve(values: list[float], low: float, high: float, *, behind: list[float] | None = None) -> Markup:
    """Return a row as a small curve.

    Parameters
    ----------
    values : list of float
        The curve, with gaps at missing values (NaN). Of more than 150 values, each of 150 stretches is drawn by its
        value farthest from 0.
    low, high : float
        The values at the lower and upper edge.
    behind : list of float or None, default=None
        A second curve, drawn behind in another colour.

    Returns
    -------
    Markup
        An <svg> element that screen readers skip.
    """
    curves = [("curve-row", values)] if behind is None else [("curve-behind", behind), ("curve-row", values)]
    lines = "".join(
        f'<polyline class="{css_class}" points="{points}"/>'
        for css_class, numbers in curves
        for points in _points(numbers, low, high)
    )
    return Markup(
        f'<svg class="curve" viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true">{lines}</svg>'
    )


def _points(values: list[float], low: float, high: float) -> Iterator[str]:
    """Yield the points of each part of a curve between gaps; a part of one value is a short line."""
    if len(values) > MAX_POINTS:
        stretches = np.array_split(np.asarray(values), MAX_POINTS)
        values = [float(stretch[np.nan_to_num(np.abs(stretch), nan=-1.0).argmax()]) for stretch in stretches]
    width, height = max(len(values) - 1, 1), (high - low) or 1.0
    for is_missing, part in groupby(enumerate(values), lambda point: math.isnan(point[1])):
        if not is_missing:
            points = [(100 * i / width, 31 - 30 * (v - low) / height) for i, v in part]
            if len(points) == 1 < len(values):
                points = [(points[0][0] + shift, points[0][1]) for shift in (-0.5, 0.5)]
            yield " ".join(f"{x:.4g},{y:.4g}" for x, y in points)
