"""The latents of a report, ready for the template: the atlas, the table of all, the map."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ..latents import Shown
from ..report import Pictures, Report
from .figures import line
from .sprite import Sprite

IN_TABLE = 10_000  # latents


def entry(each: Shown, pictures: Pictures, sheets: dict[str, Sprite]) -> dict[str, Any]:
    """Return a latent of the atlas: what it adds and the rows that it speaks of, as images, bars or a curve."""
    drawn = sheets and each.latent in sheets["own"].place
    top = [spoken for spoken in each.rows if spoken.quantile is None]
    at = [spoken for spoken in each.rows if spoken.quantile is not None]

    def image(spoken: Any) -> Markup:
        where = "" if spoken.quantile is None else f", quantile {spoken.quantile:g}"
        return sheets["rows"].image(("clean", spoken.row), f"row {spoken.row}, code {spoken.code:.3g}{where}")

    loudest = ", ".join(f"{spoken.row:,} ({spoken.code:.3g})" for spoken in top[:3])
    own: Any = sheets["own"].image(each.latent, f"what latent {each.latent} adds") if drawn else ""
    if not sheets and not each.columns:
        direction = pictures.directions[each.latent]
        peak = float(np.abs(direction).max()) or 1.0
        own = line(direction.tolist(), -peak, peak)
    return {
        "latent": each.latent,
        "firing": percent(each.firing),
        "rate": f"{each.rate:.3g}",
        "mean_at_work": None if each.mean_at_work is None else f"{each.mean_at_work:.3g}",
        "own": own,
        "top": [image(spoken) for spoken in top] if drawn else [],
        "quantiles": [image(spoken) for spoken in at] if drawn else [],
        "rows_said": "" if drawn or not loudest else f"loudest on rows {loudest}",
        "bars": list(_bars(each.columns)),
    }


def _bars(columns: list[tuple[str, float]]) -> Iterator[dict[str, Any]]:
    largest = max((abs(weight) for _, weight in columns), default=0.0) or 1.0
    for name, weight in columns:
        long = 36 * abs(weight) / largest
        start = 40 if weight >= 0 else 40 - long
        kind = "more" if weight >= 0 else "less"
        yield {"name": name, "kind": kind, "start": f"{start:.3g}", "long": f"{long:.3g}", "value": f"{weight:+.2g}"}


def table(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield the lines of the table of all latents: number, share of variation, firing, mean, length."""
    said = report.latents
    for latent in said.order[:IN_TABLE]:
        share, firing = percent(said.shares[latent]), percent(said.firing[latent])
        yield str(latent), share, firing, f"{said.rates[latent]:.3g}", f"{said.lengths[latent]:.3g}"


def rest(report: Report) -> str:
    """Return what the table leaves out, in words; nothing if it is whole."""
    n = report.summary.latents
    return f"The {IN_TABLE:,} that carry most, of {n:,}; all are in report.json." if n > IN_TABLE else ""


def points(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield the latents of the map: x, y, size, words and where they lead."""
    said, shown = report.latents, {each.latent for each in report.atlas}
    at = dict(zip(said.order, report.map, strict=False))
    if not at:
        return
    places = np.array(list(at.values()))
    low, span = places.min(0), np.maximum(np.ptp(places, axis=0), 1e-12)
    greatest = max(said.shares) or 1.0
    for latent, point in at.items():
        x, y = 3 + 94 * (np.array(point) - low) / span
        share, firing = percent(said.shares[latent]), percent(said.firing[latent])
        words = f"latent {latent}: {share} of the variation, fires on {firing}"
        target = f"latent-{latent}" if latent in shown else "latents"
        yield (
            f"{x:.1f}",
            f"{100 - y:.1f}",
            f"{0.5 + 1.6 * math.sqrt(said.shares[latent] / greatest):.2f}",
            words,
            target,
        )


def percent(share: float) -> str:
    """Return a share in words, small ones finer."""
    return f"{share:.2%}" if share < 0.1 else f"{share:.1%}"
