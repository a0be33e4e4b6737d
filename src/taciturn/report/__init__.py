"""What a model is worth: numbers here, layout in `html`.

`report`, `Report`: all there is to say of one model on rows.
`compare`, `Comparison`: several runs beside each other.
`summarise`, `Summary`: the few numbers of a closing table.
"""

from .comparison import Comparison, compare
from .report import Report, report
from .summary import Summary, summarise

__all__ = ["Comparison", "Report", "Summary", "compare", "report", "summarise"]
