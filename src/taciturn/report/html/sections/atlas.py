"""What each latent adds to the reconstruction, and the rows on which it is active."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ...numbers import Pictures
from ...numbers.latents import Shown
from ..figures import line, percent
from ..section import Material, Section
from ..sprite import Sprite


def _context(material: Material) -> dict[str, Any]:
    report = material.report
    above = report.summary.active_above
    return {
        "latents": report.summary.latents,
        "active": "active on" if above is None else f"above {above:g} on",
        "atlas": [_entry(each, material.pictures, material.sheets) for each in report.atlas],
    }


def _entry(each: Shown, pictures: Pictures, sheets: dict[str, Sprite]) -> dict[str, Any]:
    """Return a latent of the atlas: what it adds and the rows on which it is active, as images, bars or a curve."""
    drawn = sheets and each.latent in sheets["own"].place
    top = [spoken for spoken in each.rows if spoken.quantile is None]
    at = [spoken for spoken in each.rows if spoken.quantile is not None]

    def image(spoken: Any) -> Markup:
        where = "" if spoken.quantile is None else f", quantile {spoken.quantile:g}"
        return sheets["rows"].image(("clean", spoken.row), f"row {spoken.row}, code {spoken.code:.3g}{where}")

    largest = ", ".join(f"{spoken.row:,} ({spoken.code:.3g})" for spoken in top[:3])
    own: Any = sheets["own"].image(each.latent, f"what latent {each.latent} adds") if drawn else ""
    if not sheets and not each.columns:
        direction = pictures.directions[each.latent]
        peak = float(np.abs(direction).max()) or 1.0
        own = line(direction.tolist(), -peak, peak)
    return {
        "latent": each.latent,
        "firing": percent(each.firing),
        "rate": f"{each.rate:.3g}",
        "mean_active": None if each.mean_active is None else f"{each.mean_active:.3g}",
        "own": own,
        "top": [image(spoken) for spoken in top] if drawn else [],
        "quantiles": [image(spoken) for spoken in at] if drawn else [],
        "rows_text": "" if drawn or not largest else f"largest codes on rows {largest}",
        "bars": list(_bars(each.columns)),
    }


def _bars(columns: list[tuple[str, float]]) -> Iterator[dict[str, Any]]:
    largest = max((abs(weight) for _, weight in columns), default=0.0) or 1.0
    for name, weight in columns:
        long = 36 * abs(weight) / largest
        start = 40 if weight >= 0 else 40 - long
        kind = "more" if weight >= 0 else "less"
        yield {"name": name, "kind": kind, "start": f"{start:.3g}", "long": f"{long:.3g}", "value": f"{weight:+.2g}"}


ATLAS = Section("atlas", "Atlas", _context)
