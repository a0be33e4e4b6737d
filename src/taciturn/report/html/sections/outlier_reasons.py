"""Which variables most often make a row an outlier."""

from typing import Any

from ..section import OutlierMaterial, Section

MAX_LISTED = 40


def _context(material: OutlierMaterial) -> dict[str, Any]:
    report, sheets = material.report, material.sheets
    n_explained = report.summary.explained
    return {
        "n_explained": f"{n_explained:,}",
        "n_outliers": f"{report.summary.outliers:,}",
        "are_all": n_explained == report.summary.outliers,
        "map": sheets["mean"].image("mean", "where outliers differ from what was expected") if "mean" in sheets else "",
        "variables": [
            {
                "name": entry.column,
                "first": f"{entry.first:,}",
                "first_share": f"{entry.first / n_explained:.0%}",
                "among": f"{entry.among:,}",
                "among_share": f"{entry.among / n_explained:.0%}",
            }
            for entry in report.variables[:MAX_LISTED]
        ],
        "omitted": f"{len(report.variables) - MAX_LISTED:,} more are reasons less often."
        if len(report.variables) > MAX_LISTED
        else "",
    }


OUTLIER_REASONS = Section(
    "outlier_reasons",
    "The most frequent reasons",
    _context,
    shown=lambda material: bool(material.report.variables),
)
