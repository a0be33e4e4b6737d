"""Errors by row and by column."""

from typing import Any

from .... import plots
from ..figures import svg
from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    report, pictures = material.report, material.pictures
    by_column = plots.errors(report.errors.per_column, columns=report.columns, shape=pictures.shape)
    return {
        "scaling": report.provenance.scaling,
        "quantiles": report.errors.quantiles,
        "row_errors": svg(plots.row_errors(pictures.row_errors), "f2", "Histogram of the rows' mean squared errors"),
        "column_errors": svg(by_column, "f3", "Mean squared error by column"),
    }


ERRORS = Section("errors", "Errors", _context)
