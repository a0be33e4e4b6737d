"""F6. The training step, and the choice of how it is computed."""

from .plan import PRECISIONS, Plan, plan
from .step import Numbers, Step

__all__ = ["PRECISIONS", "Numbers", "Plan", "Step", "plan"]
