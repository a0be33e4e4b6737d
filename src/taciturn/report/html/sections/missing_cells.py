"""What was missing, by variable and by pattern."""

from typing import Any

from ..formats import percent
from ..section import ImputationMaterial, Section

MAX_NAMES = 8  # of a pattern


def _context(material: ImputationMaterial) -> dict[str, Any]:
    report, summary = material.report, material.report.summary
    n_complete = summary.columns - summary.missing_columns
    shown = sum(pattern.rows for pattern in report.patterns)
    return {
        "variables": [
            (entry.name, entry.kind, f"{entry.missing:,}", percent(entry.share))
            for entry in report.variables
            if entry.missing
        ],
        "complete": ""
        if not n_complete
        else f"The other {n_complete:,} are complete."
        if n_complete > 1
        else "The other one is complete.",
        "patterns": [
            (
                ", ".join(pattern.columns[:MAX_NAMES])
                + (f" and {len(pattern.columns) - MAX_NAMES:,} more" if len(pattern.columns) > MAX_NAMES else ""),
                f"{pattern.rows:,}",
                percent(pattern.rows / summary.rows),
            )
            for pattern in report.patterns
        ],
        "omitted": f"{summary.patterns - len(report.patterns):,} other sets, in {summary.missing_rows - shown:,} rows, "
        "are not shown."
        if summary.patterns > len(report.patterns)
        else "",
    }


MISSING_CELLS = Section(
    "missing_cells", "What was missing", _context, shown=lambda material: material.report.summary.missing > 0
)
