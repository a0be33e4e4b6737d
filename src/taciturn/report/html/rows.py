"""The rows of a report, ready for the template: as images, as a table's numbers, or as curves."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup

from ..report import Pictures, Report
from ..samples import Seen
from .figures import line
from .sprite import Sprite

AS_COLUMNS = 12  # of a row of a table


def shots_of(report: Report, pictures: Pictures, sheets: dict[str, Sprite]) -> Iterator[dict[str, Any]]:
    """Yield the groups of rows: title, head of columns, labelled lines of cells, and whether these are drawn."""
    said, shots = report.samples, pictures.shots
    kinds = {"as seen": shots.corrupted} if said.corruption else {}
    for title, group, noisy in (
        ("The first rows", said.first, True),
        ("Met best", said.best, False),
        ("In the middle", said.median, False),
        ("Met worst", said.worst, False),
    ):
        lines = ({"as seen": "seen"} if noisy and kinds else {}) | {"came back": "back", "clean": "clean"}
        if sheets:
            drawn: list[Any] = [
                (label, [sheets["rows"].image((kind, each.row), f"row {each.row}, {label}") for each in group])
                for label, kind in lines.items()
            ]
            drawn.append(("dB" if noisy else "error", [_caption(each, noisy) for each in group]))
            yield {"title": title, "heads": [], "lines": drawn, "drawn": True}
        elif report.columns is not None:
            yield {
                "title": title,
                "heads": report.columns[:AS_COLUMNS],
                "lines": list(_numbers(group[:4], lines, shots)),
                "drawn": False,
            }
        else:
            yield {
                "title": title,
                "heads": [],
                "lines": [_curves(group, shots), ("error", [f"{each.error:.3g}" for each in group])],
                "drawn": True,
            }


def _caption(each: Seen, noisy: bool) -> Markup:
    if not noisy or each.psnr_after is None:
        return Markup('<span class="note">{}</span>').format(f"{each.error:.2g}")
    before = "" if each.psnr_before is None else f"{each.psnr_before:.0f} → "
    return Markup('<span class="note">{}</span>').format(f"{before}{each.psnr_after:.0f}")


def _numbers(group: list[Seen], lines: dict[str, str], shots: Any) -> Iterator[tuple[str, list[str]]]:
    rows = {"seen": shots.corrupted, "back": shots.recon, "clean": shots.clean}
    for each in group:
        for label, kind in lines.items():
            yield f"row {each.row:,} {label}", [f"{value:.4g}" for value in rows[kind][each.row][:AS_COLUMNS].tolist()]


def _curves(group: list[Seen], shots: Any) -> tuple[str, list[Markup]]:
    rows = np.stack([shots.clean[each.row] for each in group])
    low, high = float(rows.min()), float(rows.max())
    return "clean, and back", [
        line(shots.clean[each.row].tolist(), low, high, other=shots.recon[each.row].tolist()) for each in group
    ]
