"""F4. The dictionary's care: where it begins, what holds around the optimiser's step, who begins anew."""

from .constraint import Constraint, Free
from .median import geometric_median
from .resample import Resample
from .surgery import rewrite
from .unit_norm import UnitNorm

__all__ = ["Constraint", "Free", "Resample", "UnitNorm", "geometric_median", "rewrite"]
