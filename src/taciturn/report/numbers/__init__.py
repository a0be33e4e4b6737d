"""The numbers of reports and comparisons, one file per section. Nothing here knows how they are shown."""

from .comparison import ComparisonNumbers, measure_comparison
from .imputations import Imputation, ImputationNumbers, measure_imputations
from .imputed_cells import Filler
from .outliers import Detection, OutlierNumbers, Reason, measure_outliers, reasons_of
from .report import Pictures, ReportNumbers, measure_report
from .sections import SECTIONS
from .study import Study
from .summary import Summary, summarise

__all__ = [
    "SECTIONS",
    "ComparisonNumbers",
    "Detection",
    "Filler",
    "Imputation",
    "ImputationNumbers",
    "OutlierNumbers",
    "Pictures",
    "Reason",
    "ReportNumbers",
    "Study",
    "Summary",
    "measure_comparison",
    "measure_imputations",
    "measure_outliers",
    "measure_report",
    "reasons_of",
    "summarise",
]
