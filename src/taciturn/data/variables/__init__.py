"""The schema of a mixed table: kinds of variables, encoding into numbers and back."""

from .variables import Variables

__all__ = ["Variables"]
