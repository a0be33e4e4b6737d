"""Latents of the atlas: what each adds to the reconstruction, and rows on which it is active."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...numbers import ReportNumbers
from ...numbers.latents import ActiveRow, AtlasLatent
from ...numbers.variables import VariableNumbers
from ..figures import curve
from ..formats import number, percent, row_text
from ..section import Material, Section, has_latents
from ..sprite import Sprite

ZERO = 40  # where the bars of the weights start, in percent of their column's width; negative weights go left
MAX_BAR = 36  # the longest bar, in the same unit


def _context(material: Material) -> dict[str, Any]:
    report = material.report
    above = report.summary.active_above
    entries = [_entry(entry, material) for entry in report.atlas]
    return {
        "scope": _scope(report, bool(material.sheets or material.pictures.texts)),
        "legend": _legend(entries[0], report) if entries else "",
        "active_above": None if above is None else f"{above:g}",
        "atlas": entries,
    }


def _scope(report: ReportNumbers, has_quantiles: bool) -> str:
    n_shown, n_latents = len(report.atlas), report.summary.latents
    which = "All" if n_shown == n_latents else f"{n_shown:,} of"
    return (
        f"{which} {n_latents:,} latents, the largest shares of the reconstruction's variation first: what the "
        f"latent adds, and the rows with its largest codes{', then rows at quantiles of its codes' * has_quantiles}."
    )


def _legend(entry: dict[str, Any], report: ReportNumbers) -> str:
    """Return sentences about how an entry shows what its latent adds."""
    if entry["bars"] and report.summary.variables is not None:
        return (
            "Bars: orange adds, blue takes away; numbers, integers and dates in scaled units, booleans and levels as a "
            "change of log-odds, that of a level against the mean of its category's levels. Each latent is on its own "
            "scale."
        )
    if entry["bars"]:
        return "Bars: orange adds to a column, blue takes away; in scaled units, each latent on its own scale."
    if entry["top"]:
        return "Orange adds, blue takes away; each latent on its own scale."
    return "Curve: what the latent adds, from the first column to the last; each on its own scale."


def _entry(entry: AtlasLatent, material: Material) -> dict[str, Any]:
    """Return one latent as its template prints it: its direction and its rows as images, bars or a curve."""
    report, pictures, sheets = material.report, material.pictures, material.sheets
    has_images = bool(sheets) and entry.latent in sheets["directions"].positions
    top = [active for active in entry.rows if active.quantile is None]
    at_quantiles = [active for active in entry.rows if active.quantile is not None]
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
        "mean_activation": number(entry.mean_activation),
        "mean_when_active": None if entry.mean_when_active is None else number(entry.mean_when_active),
        "direction": direction,
        "top": [_image(active, report, sheets) for active in top] if has_images else [],
        "at_quantiles": [_image(active, report, sheets) for active in at_quantiles] if has_images else [],
        "largest_codes": [] if has_images or pictures.texts else [_row(active, material) for active in top],
        "texts": [_row(active, material) for active in entry.rows] if pictures.texts else [],
        "bars": list(_bars(entry.columns, report.variables or [])),
        "omitted": _omitted(len(entry.columns), report),
    }


def _row(active: ActiveRow, material: Material) -> dict[str, Any]:
    """Return a row on which the latent is active: index, name, code, and its text if rows have texts."""
    texts = material.pictures.texts
    return {
        "row": active.row,
        "name": material.report.row_name(active.row),
        "code": number(active.code),
        "quantile": None if active.quantile is None else f"{active.quantile:g}",
        "text": row_text(active.row, texts[active.row]) if texts else "",
    }


def _image(active: ActiveRow, report: ReportNumbers, sheets: dict[str, Sprite]) -> dict[str, Any]:
    quantile = "" if active.quantile is None else f", quantile {active.quantile:g}"
    name = report.row_name(active.row)
    image = sheets["rows"].image(("clean", active.row), f"{name}, code {number(active.code)}{quantile}")
    return {"row": active.row, "name": name, "image": image}


def _omitted(n_shown: int, report: ReportNumbers) -> str:
    """Return a note on the columns without a bar; "" if each has one or columns have no names."""
    n_more = report.summary.columns - n_shown if n_shown else 0
    columns = "" if report.summary.variables is not None else f" column{'s' if n_more > 1 else ''}"
    return f"… {n_more:,} more{columns} with smaller weights" if n_more else ""


def _bars(columns: list[tuple[str, float]], variables: list[VariableNumbers]) -> Iterator[dict[str, Any]]:
    """Yield a bar for each weight: its column's name, CSS class, start and length in percent, and value.

    The first bar of a category has the category's name as `group`; its bars have the names of levels.
    """
    levels = {
        f"{variable.name}: {level}": (variable.name, level) for variable in variables for level in variable.levels
    }
    above = ""
    largest = max((abs(weight) for _, weight in columns), default=0.0) or 1.0
    for name, weight in columns:
        length = MAX_BAR * abs(weight) / largest
        start = ZERO if weight >= 0 else ZERO - length
        sign = "positive" if weight >= 0 else "negative"
        group, own_name = levels.get(name, ("", name))
        above, is_first = group, group != above
        yield {
            "group": group if is_first else "",
            "is_level": bool(group),
            "name": own_name,
            "sign": sign,
            "start": f"{start:.3g}",
            "length": f"{length:.3g}",
            "value": f"{weight:+.2f}".replace("-", "−"),
        }


ATLAS = Section("atlas", "Atlas of latents", _context, shown=has_latents)
