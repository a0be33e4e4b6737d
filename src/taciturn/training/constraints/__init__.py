"""Constraints on the dictionary, applied around each step of the optimiser."""

from .bounded import Bounded
from .constraint import Constraint, Free
from .frozen import Frozen
from .unit_norm import UnitNorm

__all__ = ["Bounded", "Constraint", "Free", "Frozen", "UnitNorm"]
