"""The page of outliers."""

from typing import Any

import numpy as np

from ... import plots
from ..numbers import OutlierNumbers
from ..numbers.numbers import counted
from .section import OutlierMaterial, rendered_page
from .sections import OUTLIER_SECTIONS
from .sprite import Sprite, sprite


def outlier_page(report: OutlierNumbers) -> str:
    """Return the page of outliers as HTML."""
    summary, sheets = report.summary, _sheets(report)
    missing = f" {counted(summary.missing, 'cell is missing', 'cells are missing')}." if summary.missing else ""
    rows, columns = counted(summary.rows, "row"), counted(summary.columns, "column")
    return rendered_page(
        report,
        OutlierMaterial(report, sheets),
        OUTLIER_SECTIONS,
        kind="page of outliers",
        note=f"Scored: {rows} of {columns}.{missing}",
        shape=report.pictures.shape,
        sheets=sheets,
    )


def _sheets(report: OutlierNumbers) -> dict[str, Sprite]:
    """Return the sheets of small images; {} if rows are not images."""
    pictures = report.pictures
    if not plots.is_image(pictures.shape):
        return {}
    rows: dict[Any, Any] = {
        (kind, row): image for kind in ("rows", "expected") for row, image in getattr(pictures, kind).items()
    }
    sheets = {"rows": sprite("rows", rows, pictures.shape, references=list(pictures.rows.values()))}
    grey = pictures.shape[:2]  # of colours the sum
    marks: dict[Any, Any] = {
        ("marks", row): _by_pixel(image, pictures.shape) for row, image in pictures.contributions.items()
    }
    sheets["marks"] = sprite("marks", marks, grey)
    if pictures.mean_contribution is not None:
        sheets["mean"] = sprite("mean", {"mean": _by_pixel(pictures.mean_contribution, pictures.shape)}, grey)
    return sheets


def _by_pixel(values: Any, shape: tuple[int, ...]) -> Any:
    return np.asarray(values).reshape(*shape[:2], -1).sum(2).ravel()
