"""The rows whose imputed cells are the most uncertain."""

from typing import Any

import numpy as np

from ...numbers.imputed_rows import ImputedCell, ImputedRow
from ..formats import ColumnFormat, number, row_text
from ..section import ImputationMaterial, Section


def _context(material: ImputationMaterial) -> dict[str, Any]:
    report, summary = material.report, material.report.summary
    n_more = summary.missing_rows - len(report.rows)
    return {
        "listed": [_line(entry, material) for entry in report.rows],
        "omitted": f"{n_more:,} more rows have missing cells." if n_more > 1 else "",
    }


def _line(entry: ImputedRow, material: ImputationMaterial) -> dict[str, Any]:
    report = material.report
    n_more = entry.missing - len(entry.cells)
    return {
        "row": entry.row,
        "name": report.row_name(entry.row),
        "missing": f"{entry.missing:,}",
        "uncertainty": number(entry.uncertainty),
        "cells": [_cell(cell) for cell in entry.cells],
        "more": f"and {n_more:,} more cells" if n_more > 1 else "and one more cell" if n_more else "",
        "text": row_text(entry.row, report.pictures.texts[entry.row]) if report.pictures.texts else "",
    }


def _cell(cell: ImputedCell) -> dict[str, str]:
    if cell.levels:
        (_, share), *others = cell.levels
        rest = ", ".join(f"{level} {share:.0%}" for level, share in others)
        return {"name": cell.column, "value": str(cell.value), "note": f"{share:.0%}" + f"; {rest}" * bool(rest)}
    value, low, high = _texts(cell)
    return {"name": cell.column, "value": value, "note": f"90% interval {low} to {high}"}


def _texts(cell: ImputedCell) -> list[str]:
    """Return the value of a cell and the ends of its interval as texts, numbers with the same decimals."""
    values = (cell.value, cell.low, cell.high)
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    if len(numbers) < len(values):
        return list(map(str, values))
    column = ColumnFormat(np.array(numbers), (numbers[2] - numbers[1]) / 4)
    return [column.text(value, exact=isinstance(cell.value, int)) for value in numbers]


IMPUTED_ROWS = Section(
    "imputed_rows", "Rows and their cells", _context, shown=lambda material: material.report.summary.missing > 0
)
