"""The training step, in several implementations that compute the same, and the choice between them."""

from . import plan
from .by_hand import ByHand
from .captured import Captured
from .compiled import Compiled
from .plan import PRECISIONS
from .step import COUNTERS, Numbers, Step

__all__ = ["COUNTERS", "PRECISIONS", "ByHand", "Captured", "Compiled", "Numbers", "Step", "plan"]
