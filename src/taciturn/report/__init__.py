"""Reports on one model, on outliers and on imputations, and comparisons of several models.

`numbers` computes them, `html` renders them as pages.
"""

from .comparison import Comparison, compare
from .imputations import ImputationReport, report_imputations
from .numbers import Detection, Filler, Imputation, Reason, Summary, reasons_of, summarise
from .numbers.provenance import provenance
from .outliers import OutlierReport, report_outliers
from .report import Report, report, summary_of_run
from .unfinished import unfinished_report

__all__ = [
    "Comparison",
    "Detection",
    "Filler",
    "Imputation",
    "ImputationReport",
    "OutlierReport",
    "Reason",
    "Report",
    "Summary",
    "compare",
    "provenance",
    "reasons_of",
    "report",
    "report_imputations",
    "report_outliers",
    "summarise",
    "summary_of_run",
    "unfinished_report",
]
