"""The training step, and the choice of how it is computed."""

from . import plan
from .by_hand import ByHand
from .captured import Captured
from .compiled import Compiled
from .plan import PRECISIONS
from .step import Numbers, Step

__all__ = ["PRECISIONS", "ByHand", "Captured", "Compiled", "Numbers", "Step", "plan"]
