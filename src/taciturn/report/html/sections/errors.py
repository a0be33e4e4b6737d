"""Errors by row and by column."""

from collections.abc import Iterator
from typing import Any

from .... import plots
from ...numbers import ReportNumbers
from ..figures import svg
from ..formats import error, number, percent, row_text
from ..section import Material, Section

BY_ROW, BY_COLUMN = "mean squared error of a row, units of the data", "mean squared error, units of the data"


def _context(material: Material) -> dict[str, Any]:
    report, pictures = material.report, material.pictures
    by_column = plots.errors(
        report.errors.per_column, columns=report.variables or report.columns, shape=pictures.shape, label=BY_COLUMN
    )
    by_row = plots.row_errors(pictures.row_errors, label=BY_ROW)
    hidden = report.summary.hidden is not None
    return {
        "of": "the estimates of entries, each from the others of its row, against the noisy rows"
        if hidden
        else "clean rows",
        "half": number(report.errors.quantiles[4]),
        "one_in_100": number(report.errors.quantiles[7]),
        "largest": list(_largest(material)),
        "columns": list(_columns(report)),
        "row_errors": svg(by_row, "f2", "Histogram of the rows' mean squared errors"),
        "column_errors": svg(by_column, "f3", "Mean squared error by column"),
    }


def _largest(material: Material) -> Iterator[dict[str, Any]]:
    """Yield the rows with the largest errors: index, name, error, text."""
    texts = material.pictures.texts
    for row, row_error in material.report.errors.largest:
        name = material.report.row_name(row)
        yield {"row": row, "name": name, "error": number(row_error), "text": row_text(row, texts[row]) if texts else ""}


def _columns(report: ReportNumbers) -> Iterator[tuple[str, str, str, str]]:
    """Yield a table's columns: name, root mean squared error, standard deviation, and their ratio."""
    errors = report.errors
    if report.columns is None or errors.rmse is None or errors.deviations is None:
        return
    for name, rmse, deviation in zip(report.columns, errors.rmse, errors.deviations, strict=True):
        ratio = percent(rmse / deviation) if deviation and rmse == rmse else "—"
        yield name, error(rmse), number(deviation), ratio


ERRORS = Section("errors", "Errors", _context)
