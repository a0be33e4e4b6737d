"""The scores of all rows, and what the threshold and p-values mean."""

from typing import Any

from .... import plots
from ..figures import svg
from ..formats import number, percent, score_text
from ..section import OutlierMaterial, Section


def _context(material: OutlierMaterial) -> dict[str, Any]:
    summary, pictures = material.report.summary, material.report.pictures
    figure = plots.outlier_scores(pictures.scores, summary.offset, held_out=pictures.held_out_scores)
    below, small = summary.held_out_below, summary.small_p_values
    return {
        "figure": svg(figure, "f1", "Histogram of the rows' scores, with the threshold"),
        "offset": score_text(summary.offset),
        "threshold": summary.threshold,
        "held_out": f"{summary.held_out:,}",
        "below": None if below is None else percent(below),
        "with_p_value": f"{summary.with_p_value:,}",
        "small": None if small is None else percent(small),
        "least": number(1 / (1 + summary.held_out)),
    }


OUTLIER_SCORES = Section("outlier_scores", "Scores and threshold", _context)
