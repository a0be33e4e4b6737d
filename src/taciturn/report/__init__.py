"""Reports on one model and comparisons of several: `numbers` computes them, `html` renders them as pages."""

from .comparison import Comparison, compare
from .numbers import Summary, summarise
from .report import Report, report
from .unfinished import unfinished_report

__all__ = ["Comparison", "Report", "Summary", "compare", "report", "summarise", "unfinished_report"]
