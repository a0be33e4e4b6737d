"""F4. The dictionary's care: constraints around the optimiser's step."""

from .constraint import Constraint, Free

__all__ = ["Constraint", "Free"]
