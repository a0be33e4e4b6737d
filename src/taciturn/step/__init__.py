"""F6. The training step, and the choice of how it is computed."""

from .plan import Plan, plan
from .step import Numbers, Step

__all__ = ["Numbers", "Plan", "Step", "plan"]
