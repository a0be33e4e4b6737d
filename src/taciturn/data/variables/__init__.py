"""The schema of a mixed table: kinds of variables, encoding into numbers and back."""

from .tables import library_of
from .variables import Variables

__all__ = ["Variables", "library_of"]
