"""The page of imputations: numbers that can be saved as JSON or as a page."""

from collections.abc import Iterable
from typing import Any

from .html import imputation_page
from .html_page import HtmlPage
from .numbers import Imputation, ImputationNumbers, measure_imputations


class ImputationReport(ImputationNumbers, HtmlPage):
    """What was imputed in rows, and how uncertain it is. A notebook shows its verdict.

    `DenoisingImputer.report` creates it. `save` writes the page, `save_json` the numbers; docs/imputing.md describes
    both.

    Attributes
    ----------
    name : str
        The page's name.
    created : str
        When it was created, in UTC.
    summary : ImputationSummary
        The main numbers.
    verdict : Verdict
        `sentence`, `points` (the main numbers) and `warnings`.
    variables : list of ImputedVariable
        The known and the imputed values of each variable.
    rows : list of ImputedRow
        The rows whose imputed cells are the most uncertain.
    trial : Trial or None
        How well hidden cells were imputed.
    """

    def _page(self) -> str:
        return imputation_page(self)


def report_imputations(
    imputation: Imputation, *, ids: Iterable[Any] | None = None, texts: Iterable[str] | None = None, name: str = ""
) -> ImputationReport:
    """Return the page of imputations.

    Parameters
    ----------
    imputation : Imputation
        Rows and the imputer that fills their missing values.
    ids : iterable of object [N] or None, default=None
        An id for each row.
    texts : iterable of str [N] or None, default=None
        A text for each row, which the page shows.
    name : str, default=""
        The page's name; "" is the estimator's name.

    Returns
    -------
    ImputationReport

    Raises
    ------
    DataError
        If there is not one id or text per row.
    """
    return ImputationReport(**vars(measure_imputations(imputation, ids, texts, name)))
