"""The numbers of reports and comparisons, one file per section. Nothing here knows how they are shown."""

from .comparison import ComparisonNumbers, measure_comparison
from .report import Pictures, ReportNumbers, measure_report
from .sections import SECTIONS
from .study import Study
from .summary import Summary, summarise

__all__ = [
    "SECTIONS",
    "ComparisonNumbers",
    "Pictures",
    "ReportNumbers",
    "Study",
    "Summary",
    "measure_comparison",
    "measure_report",
    "summarise",
]
