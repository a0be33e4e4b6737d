"""The page of outliers: numbers that can be saved as JSON or as a page."""

from collections.abc import Iterable
from typing import Any

from .html import outlier_page
from .html_page import HtmlPage
from .numbers import Detection, OutlierNumbers, measure_outliers


class OutlierReport(OutlierNumbers, HtmlPage):
    """The outliers among rows, and what makes them outliers. A notebook shows its verdict.

    `AutoencoderOutlierDetector.report` creates it. `save` writes the page, `save_json` the numbers; docs/outliers.md
    describes both.

    Attributes
    ----------
    name : str
        The page's name.
    created : str
        When it was created, in UTC.
    summary : OutlierSummary
        The main numbers.
    verdict : Verdict
        `sentence`, `points` (the main numbers) and `warnings`.
    rows : list of OutlyingRow
        The rows with the lowest scores, and their reasons.
    variables : list of VariableReasons
        How often each variable is a reason.
    quantiles : list of float
        Of the scores.
    """

    def _page(self) -> str:
        return outlier_page(self)


def report_outliers(
    detection: Detection, *, ids: Iterable[Any] | None = None, texts: Iterable[str] | None = None, name: str = ""
) -> OutlierReport:
    """Return the page of outliers.

    Parameters
    ----------
    detection : Detection
        What a detector found in rows.
    ids : iterable of object [N] or None, default=None
        An id for each row.
    texts : iterable of str [N] or None, default=None
        A text for each row, which the page shows.
    name : str, default=""
        The page's name; "" is the estimator's name.

    Returns
    -------
    OutlierReport

    Raises
    ------
    DataError
        If there is not one id or text per row.
    """
    return OutlierReport(**vars(measure_outliers(detection, ids, texts, name)))
