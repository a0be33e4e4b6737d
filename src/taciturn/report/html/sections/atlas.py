"""Latents of the atlas: what each adds to the reconstruction, and rows on which it is active."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ...numbers import Pictures
from ...numbers.latents import ActiveRow, AtlasLatent
from ..figures import curve, percent
from ..section import Material, Section
from ..sprite import Sprite

ZERO = 40  # where the bars of the weights start, in percent of their column's width; negative weights go left
MAX_BAR = 36  # the longest bar, in the same unit


def _context(material: Material) -> dict[str, Any]:
    report = material.report
    above = report.summary.active_above
    return {
        "n_latents": report.summary.latents,
        "active_above": None if above is None else f"{above:g}",
        "atlas": [_entry(entry, material.pictures, material.sheets) for entry in report.atlas],
    }


def _entry(entry: AtlasLatent, pictures: Pictures, sheets: dict[str, Sprite]) -> dict[str, Any]:
    """Return one latent as its template prints it: its direction and its rows as images, bars or a curve."""
    has_images = bool(sheets) and entry.latent in sheets["directions"].positions
    top = [active for active in entry.rows if active.quantile is None]
    at_quantiles = [active for active in entry.rows if active.quantile is not None]
    largest = ", ".join(f"{active.row:,} ({active.code:.3g})" for active in top[:3])
    direction: Any = ""
    if has_images:
        direction = sheets["directions"].image(entry.latent, f"what latent {entry.latent} adds")
    elif not sheets and not entry.columns:
        values = pictures.directions[entry.latent]
        peak = float(np.abs(values).max()) or 1.0
        direction = curve(values.tolist(), -peak, peak)
    return {
        "latent": entry.latent,
        "firing_rate": percent(entry.firing_rate),
        "mean_activation": f"{entry.mean_activation:.3g}",
        "mean_when_active": None if entry.mean_when_active is None else f"{entry.mean_when_active:.3g}",
        "direction": direction,
        "top": [_image(active, sheets) for active in top] if has_images else [],
        "at_quantiles": [_image(active, sheets) for active in at_quantiles] if has_images else [],
        "largest_codes": "" if has_images or not largest else f"largest codes: rows {largest}",
        "bars": list(_bars(entry.columns)),
    }


def _image(active: ActiveRow, sheets: dict[str, Sprite]) -> Markup:
    quantile = "" if active.quantile is None else f", quantile {active.quantile:g}"
    return sheets["rows"].image(("clean", active.row), f"row {active.row}, code {active.code:.3g}{quantile}")


def _bars(columns: list[tuple[str, float]]) -> Iterator[dict[str, Any]]:
    """Yield a bar for each weight: its column's name, CSS class, start and length in percent, and value."""
    largest = max((abs(weight) for _, weight in columns), default=0.0) or 1.0
    for name, weight in columns:
        length = MAX_BAR * abs(weight) / largest
        start = ZERO if weight >= 0 else ZERO - length
        sign = "positive" if weight >= 0 else "negative"
        yield {
            "name": name,
            "sign": sign,
            "start": f"{start:.3g}",
            "length": f"{length:.3g}",
            "value": f"{weight:+.2g}",
        }


ATLAS = Section("atlas", "Atlas of latents", _context)
