"""Figures as inline SVG whose colours follow the page, light or dark."""

import re
import warnings
from io import StringIO
from typing import Any

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from ...plots import style

# what matplotlib draws without being asked to
NAMES = {colour: f"--c-{name}" for name, colour in style.COLOURS.items()} | {"#000000": "--c-text"}
POINTS = 150  # of a small curve
DRAWN: Any = {"svg.fonttype": "none", "svg.hashsalt": "taciturn", "path.simplify": True}


def svg(figure: Figure, name: str, said: str) -> Markup:
    """Return a figure as an <svg> with a text alternative; `name` keeps its ids apart from those of others."""
    text = StringIO()
    with matplotlib.rc_context(DRAWN), warnings.catch_warnings():
        # text stays text: a sign that matplotlib's font lacks is drawn by the reader's
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', drawn)
    drawn = re.sub(r'(url\(|href=")#', rf"\1#{name}-", drawn)
    drawn = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", drawn)
    for colour, variable in NAMES.items():
        drawn = re.sub(re.escape(colour) + r"\b", f"var({variable})", drawn, flags=re.IGNORECASE)
    width = re.search(r'<svg[^>]*? width="([\d.]+)pt"', drawn)
    size = f"max-width:{float(width[1]) * 4 / 3:.0f}px" if width else ""
    drawn = re.sub(r'<svg([^>]*?) width="[\d.]+pt"', r"<svg\1", drawn, count=1)
    drawn = re.sub(r'<svg([^>]*?) height="[\d.]+pt"', r"<svg\1", drawn, count=1)
    label = Markup.escape(said)
    return Markup(drawn.replace("<svg", f'<svg role="img" aria-label="{label}" style="{size}"', 1))


def line(values: list[float], low: float, high: float, *, other: list[float] | None = None) -> Markup:
    """Return a row as a small curve, a second one beneath it; of long ones, each stretch's number farthest from 0."""
    curves = [("back", other)] if other is not None else []
    drawn = "".join(
        f'<polyline class="{kind}" points="{_points(each, low, high)}"/>' for kind, each in [*curves, ("row", values)]
    )
    return Markup(
        f'<svg class="curve" viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
    )


def _points(values: list[float], low: float, high: float) -> str:
    if len(values) > POINTS:
        stretches = np.array_split(np.asarray(values), POINTS)
        values = [float(stretch[np.abs(stretch).argmax()]) for stretch in stretches]
    width, height = max(len(values) - 1, 1), (high - low) or 1.0
    return " ".join(f"{100 * i / width:.4g},{31 - 30 * (v - low) / height:.4g}" for i, v in enumerate(values))


def percent(share: float) -> str:
    """Return a share in words, small ones finer."""
    return f"{share:.2%}" if share < 0.1 else f"{share:.1%}"
