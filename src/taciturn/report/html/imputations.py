"""The page of imputations."""

from ..numbers import ImputationNumbers
from ..numbers.numbers import counted
from .section import ImputationMaterial, rendered_page
from .sections import IMPUTATION_SECTIONS


def imputation_page(report: ImputationNumbers) -> str:
    """Return the page of imputations as HTML."""
    summary = report.summary
    return rendered_page(
        report,
        ImputationMaterial(report),
        IMPUTATION_SECTIONS,
        kind="page of imputations",
        note=f"Imputed: {counted(summary.rows, 'row')} of {counted(summary.columns, 'variable')}.",
    )
