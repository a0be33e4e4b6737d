"""Reports on one model, on outliers and on imputations, and comparisons of several models.

`numbers` computes them, `html` renders them as pages.
"""

from .comparison import Comparison, compare
from .numbers import Detection, Reason, Summary, reasons_of, summarise
from .numbers.provenance import provenance
from .outliers import OutlierReport, report_outliers
from .report import Report, report
from .unfinished import unfinished_report

__all__ = [
    "Comparison",
    "Detection",
    "OutlierReport",
    "Reason",
    "Report",
    "Summary",
    "compare",
    "provenance",
    "reasons_of",
    "report",
    "report_outliers",
    "summarise",
    "unfinished_report",
]
