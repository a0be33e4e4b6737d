"""The rows with the lowest scores, and the cells that make them outliers."""

from typing import Any

from ...numbers.outliers import N_REASONS, OutlyingRow, Reason
from ..formats import difference, number, row_text, score_text
from ..section import OutlierMaterial, Section

NO_P_VALUE = "—"


def _context(material: OutlierMaterial) -> dict[str, Any]:
    report, summary = material.report, material.report.summary
    n_listed = len(report.rows)
    return {
        "listed": [_line(entry, material) for entry in report.rows],
        "are_images": bool(material.sheets),
        "has_p_values": any(entry.p_value is not None for entry in report.rows),
        "without_p_value": summary.held_out > 0 and any(entry.p_value is None for entry in report.rows),
        "others": any(not entry.outlier for entry in report.rows),
        "omitted": f"{summary.outliers - n_listed:,} more outliers have higher scores."
        if summary.outliers > n_listed
        else "",
        "n_reasons": N_REASONS,
    }


def _line(entry: OutlyingRow, material: OutlierMaterial) -> dict[str, Any]:
    report, sheets = material.report, material.sheets
    name = report.row_name(entry.row)
    images = [
        (label, sheets["rows"].image((kind, entry.row), f"{name}, {label}"), is_marked)
        for label, kind, is_marked in (("row", "rows", True), ("expected", "expected", False))
        if sheets
    ]
    marks = sheets["marks"].image(("marks", entry.row), "") if sheets else ""
    return {
        "row": entry.row,
        "name": name,
        "score": score_text(entry.score),
        "p_value": NO_P_VALUE if entry.p_value is None else number(entry.p_value),
        "outlier": entry.outlier,
        "reasons": [_reason(reason, entry.score) for reason in entry.reasons],
        "images": images,
        "marks": marks,
        "text": row_text(entry.row, report.pictures.texts[entry.row]) if report.pictures.texts else "",
    }


def _reason(reason: Reason, score: float) -> dict[str, str]:
    value, expected = difference(reason.value, reason.expected)
    then = score_text(score + reason.contribution)
    return {"name": reason.column, "value": value, "expected": expected, "score": then}


OUTLYING_ROWS = Section("outlying_rows", "The rows, and why", _context)
