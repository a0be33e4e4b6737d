"""F4. The dictionary's care: where it begins, what holds around a step, who begins anew, in which order."""

from .bounded import Bounded
from .constraint import Constraint, Free
from .frozen import Frozen
from .median import geometric_median
from .order import Order
from .resample import Resample
from .surgery import permute, rewrite
from .unit_norm import UnitNorm

__all__ = [
    "Bounded",
    "Constraint",
    "Free",
    "Frozen",
    "Order",
    "Resample",
    "UnitNorm",
    "geometric_median",
    "permute",
    "rewrite",
]
