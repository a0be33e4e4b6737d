"""Sample rows, clean, corrupted and reconstructed: as images, as a table's numbers, or as curves."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ...numbers.samples import RowError, SampleRows
from ..figures import curve
from ..section import Material, Section

MAX_COLUMNS = 12  # columns of a table that are shown
MAX_TABLE_ROWS = 4  # rows of a table that are shown, of each group


def _context(material: Material) -> dict[str, Any]:
    groups = list(_groups(material))
    return {"notes": " ".join(_notes(material, groups[0]["is_drawn"])), "groups": groups}


def _notes(material: Material, is_drawn: bool) -> Iterator[str]:
    """Yield sentences that explain what is shown."""
    corruption, columns = material.report.samples.corruption, material.report.columns
    if corruption:
        yield f"The first rows are corrupted by {corruption}, with noise that was not used in training."
        yield "All other rows are clean."
        if material.sheets:
            yield "PSNR of a corrupted row → of its reconstruction."
    if is_drawn:
        yield "Error: mean squared error of a row, in scaled units."
    elif columns is not None and len(columns) > MAX_COLUMNS:
        yield f"The tables show the first {MAX_COLUMNS} of {len(columns):,} columns."


def _groups(material: Material) -> Iterator[dict[str, Any]]:
    """Yield the groups of rows: title, heads of the columns, lines (label, cells), and whether cells are drawings."""
    report, sheets = material.report, material.sheets
    samples = report.samples
    for title, group, is_corrupted in (
        ("First rows", samples.first, bool(samples.corruption)),
        ("Best rows", samples.best, False),
        ("Median rows", samples.median, False),
        ("Worst rows", samples.worst, False),
    ):
        kinds = (["corrupted"] if is_corrupted else []) + ["reconstruction", "clean"]
        lines: list[tuple[str, list[Any]]]
        if sheets:
            lines = [
                (kind, [sheets["rows"].image((kind, entry.row), f"row {entry.row}, {kind}") for entry in group])
                for kind in kinds
            ]
            in_decibels = title == "First rows"
            lines.append(("PSNR, dB" if in_decibels else "error", [_caption(entry, in_decibels) for entry in group]))
            yield {"title": title, "heads": [], "lines": lines, "is_drawn": True}
        elif report.columns is not None:
            heads, lines = report.columns[:MAX_COLUMNS], list(_numbers(group[:MAX_TABLE_ROWS], kinds, samples.rows))
            yield {"title": title, "heads": heads, "lines": lines, "is_drawn": False}
        else:
            lines = [_curves(group, samples.rows), ("error", [f"{entry.error:.3g}" for entry in group])]
            yield {"title": title, "heads": [], "lines": lines, "is_drawn": True}


def _caption(entry: RowError, in_decibels: bool) -> Markup:
    if not in_decibels or entry.psnr_after is None:
        return Markup('<span class="note">{}</span>').format(f"{entry.error:.2g}")
    before = "" if entry.psnr_before is None else f"{entry.psnr_before:.0f} → "
    return Markup('<span class="note">{}</span>').format(f"{before}{entry.psnr_after:.0f}")


def _numbers(group: list[RowError], kinds: list[str], rows: SampleRows) -> Iterator[tuple[str, list[str]]]:
    """Yield a line of a table for each row and kind."""
    for entry in group:
        for kind in kinds:
            values = getattr(rows, kind)[entry.row][:MAX_COLUMNS].tolist()
            yield f"row {entry.row:,} {kind}", [f"{value:.4g}" for value in values]


def _curves(group: list[RowError], rows: SampleRows) -> tuple[str, list[Markup]]:
    """Return a line of curves: each clean row in front of its reconstruction."""
    clean = np.stack([rows.clean[entry.row] for entry in group])
    low, high = float(clean.min()), float(clean.max())
    return "clean (dark), reconstruction (orange)", [
        curve(rows.clean[entry.row].tolist(), low, high, behind=rows.reconstruction[entry.row].tolist())
        for entry in group
    ]


SAMPLES = Section("samples", "Input and reconstruction", _context)
