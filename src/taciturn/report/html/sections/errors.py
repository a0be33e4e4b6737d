"""Errors by row and by column."""

import math
from collections.abc import Iterator
from typing import Any

from .... import plots
from ...numbers import ReportNumbers
from ...numbers.variables import VariableNumbers
from ..figures import svg
from ..formats import error, number, percent, row_text
from ..section import Material, Section

BY_ROW, BY_COLUMN = "mean squared error of a {}, units of the data", "mean squared error, units of the data"
ABSENT = "—"
# of a table with booleans or categories
TABLE_BY_ROW, BY_VARIABLE = "error of a row, mean of its variables", "error / error of the best constant"


def _context(material: Material) -> dict[str, Any]:
    report, pictures = material.report, material.pictures
    is_table = report.summary.variables is not None
    if report.variables is None:
        per_column, columns, label = report.errors.per_column, report.columns, BY_COLUMN
    else:
        columns, label = [variable.name for variable in report.variables], BY_VARIABLE
        per_column = [math.nan if variable.error is None else variable.error for variable in report.variables]
    by_column = plots.errors(per_column, columns=columns, shape=pictures.shape, label=label)
    label = TABLE_BY_ROW if is_table else BY_ROW.format(report.row_noun)
    by_row = plots.row_errors(pictures.row_errors, label=label, nouns=report.summary.nouns)
    return {
        "of": _of(report),
        "noun": report.row_noun,
        "nouns": report.summary.nouns,
        "unit_of": f"training {report.summary.nouns}" if report.summary.targets is None else "training targets",
        "half": number(report.errors.quantiles[4]),
        "one_in_100": number(report.errors.quantiles[7]),
        "largest": list(_largest(material)),
        "is_table": is_table,
        "columns": list(_columns(report)),
        "variables": list(map(_variable, report.variables or [])),
        "row_errors": svg(
            by_row, "f2", f"Histogram of the {report.summary.nouns}' {'' if is_table else 'mean squared '}errors"
        ),
        "column_errors": svg(
            by_column, "f3", "Mean squared error by column" if report.variables is None else "Error by variable"
        ),
    }


def _of(report: ReportNumbers) -> str:
    """Return what the errors are of."""
    if report.summary.targets is not None:
        return "the targets' estimates"
    if report.summary.hidden is not None:
        return "the estimates of entries, each from the others of its row, against the noisy rows"
    return f"clean {report.summary.nouns}"


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


def _variable(variable: VariableNumbers) -> tuple[str, ...]:
    """Return a variable's line: name, kind, error, RMSE, standard deviation, share right, most frequent level's."""
    unit = f" {variable.unit}" if variable.unit else ""
    values = [ABSENT if value is None else f"{number(value)}{unit}" for value in (variable.rmse, variable.deviation)]
    shares = [ABSENT if share is None else percent(share) for share in (variable.right, variable.most_frequent)]
    error = ABSENT if variable.error is None else percent(variable.error)
    return variable.name, variable.described_kind, error, *values, *shares


ERRORS = Section("errors", "Errors", _context)
