"""What a model is worth: `numbers` measures, `html` renders, `report` and `comparison` offer both."""

from .comparison import Comparison, compare
from .numbers import Summary, summarise
from .report import Report, report

__all__ = ["Comparison", "Report", "Summary", "compare", "report", "summarise"]
