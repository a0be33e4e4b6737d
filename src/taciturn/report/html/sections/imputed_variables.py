"""The known and the imputed values of each variable, side by side."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .... import plots
from ...numbers.imputed_columns import ImputedColumn
from ...numbers.imputed_variables import ImputedVariable
from ..figures import svg
from ..formats import number
from ..section import ImputationMaterial, Section


def _context(material: ImputationMaterial) -> dict[str, Any]:
    report, summary = material.report, material.report.summary
    pictures = report.pictures
    by_name = {entry.name: entry for entry in report.variables}
    drawn = zip(pictures.columns, pictures.known, pictures.filled, pictures.drawn, strict=True)
    imputed = [entry for entry in report.variables if entry.missing]
    n_omitted = len(imputed) - len(pictures.columns)
    return {
        "figures": [_figure(i, *values, by_name[values[0].name]) for i, values in enumerate(drawn)],
        "omitted": f"The {len(pictures.columns)} variables with the most missing cells are drawn." if n_omitted else "",
        "sampled": f"Of the rows with missing cells {summary.drawn_rows:,} were chosen at random for this section and "
        "the next."
        if summary.drawn_rows < summary.missing_rows
        else "",
        "numbers": [_number(entry) for entry in imputed if not entry.levels],
        "dates": any(entry.kind == "date" for entry in imputed),
        "levels": [_level(entry) for entry in imputed if entry.levels],
    }


def _figure(
    i: int, column: ImputedColumn, known: Any, filled: Any, drawn: Any, entry: ImputedVariable
) -> dict[str, Any]:
    figure = plots.imputed_values(
        known, filled, drawn, levels=column.levels or None, label=column.name, text=_tick_text(column)
    )
    width = entry.width
    if column.levels:
        note = "" if entry.probability is None else f"; mean probability of the filled levels {entry.probability:.0%}"
    else:
        note = "" if width is None else f"; typical width of the 90% interval {number(width)} {entry.unit}".rstrip()
    return {
        "name": column.name,
        "figure": svg(figure, f"v{i}", f"Known, filled and drawn values of {column.name}"),
        "missing": f"{entry.missing:,} missing",
        "note": note,
    }


def _tick_text(column: ImputedColumn) -> Callable[[float], str] | None:
    """Return what writes ticks where the numbers of a variable are not its values; else None."""
    if column.kind != "date":
        return None
    return lambda value: str(column.shown(np.array([value]))[0])


def _number(entry: ImputedVariable) -> list[str]:
    unit = f" {entry.unit}" if entry.unit else ""
    deviations = (entry.known_deviation, entry.filled_deviation, entry.drawn_deviation, entry.width)
    means = [_text(mean) for mean in (entry.known_mean, entry.filled_mean)]
    return [entry.name, *means, *("—" if each is None else number(each) + unit for each in deviations)]


def _level(entry: ImputedVariable) -> list[str]:
    first = entry.levels[0]
    shares = (first.known, first.filled, first.drawn, entry.probability)
    return [entry.name, first.level, *("—" if share is None else f"{share:.0%}" for share in shares)]


def _text(value: str | float | None) -> str:
    return "—" if value is None else value if isinstance(value, str) else number(value)


IMPUTED_VARIABLES = Section(
    "imputed_variables",
    "Known and imputed values",
    _context,
    shown=lambda material: material.report.summary.missing > 0,
)
