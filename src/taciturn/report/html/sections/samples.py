"""Rows as they are, corrupted, and as the model reconstructs them: as images, as a table's numbers, or as curves."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ...numbers.samples import Seen
from ..figures import line
from ..section import Material, Section

MAX_COLUMNS = 12  # of a row of a table


def _context(material: Material) -> dict[str, Any]:
    return {"corruption": material.report.samples.corruption, "groups": list(_groups(material))}


def _groups(material: Material) -> Iterator[dict[str, Any]]:
    """Yield the groups of rows: title, head of columns, labelled lines of cells, and whether these are drawn."""
    report, sheets = material.report, material.sheets
    samples = report.samples
    for title, rows, corrupted in (
        ("First rows", samples.first, bool(samples.corruption)),
        ("Best rows", samples.best, False),
        ("Median rows", samples.median, False),
        ("Worst rows", samples.worst, False),
    ):
        lines = (["corrupted"] if corrupted else []) + ["reconstruction", "clean"]
        first = title == "First rows"
        if sheets:
            drawn: list[Any] = [
                (label, [sheets["rows"].image((label, each.row), f"row {each.row}, {label}") for each in rows])
                for label in lines
            ]
            drawn.append(("PSNR, dB" if first else "error", [_caption(each, first) for each in rows]))
            yield {"title": title, "heads": [], "lines": drawn, "drawn": True}
        elif report.columns is not None:
            heads = report.columns[:MAX_COLUMNS]
            yield {
                "title": title,
                "heads": heads,
                "lines": list(_numbers(rows[:4], lines, samples.rows)),
                "drawn": False,
            }
        else:
            errors = ("error", [f"{each.error:.3g}" for each in rows])
            yield {"title": title, "heads": [], "lines": [_curves(rows, samples.rows), errors], "drawn": True}


def _caption(each: Seen, decibels: bool) -> Markup:
    if not decibels or each.psnr_after is None:
        return Markup('<span class="note">{}</span>').format(f"{each.error:.2g}")
    before = "" if each.psnr_before is None else f"{each.psnr_before:.0f} → "
    return Markup('<span class="note">{}</span>').format(f"{before}{each.psnr_after:.0f}")


def _numbers(group: list[Seen], labels: list[str], shots: Any) -> Iterator[tuple[str, list[str]]]:
    rows = {"corrupted": shots.corrupted, "reconstruction": shots.recon, "clean": shots.clean}
    for each in group:
        for label in labels:
            values = rows[label][each.row][:MAX_COLUMNS].tolist()
            yield f"row {each.row:,} {label}", [f"{value:.4g}" for value in values]


def _curves(group: list[Seen], shots: Any) -> tuple[str, list[Markup]]:
    rows = np.stack([shots.clean[each.row] for each in group])
    low, high = float(rows.min()), float(rows.max())
    return "clean, and reconstruction", [
        line(shots.clean[each.row].tolist(), low, high, other=shots.recon[each.row].tolist()) for each in group
    ]


SAMPLES = Section("samples", "Rows", _context)
