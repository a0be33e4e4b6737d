"""F1. The dense step and its noise in C: optional, built where installing finds a compiler."""

from .library import Dense, Library, Noise, Penalty, here
from .noise import drawn

__all__ = ["Dense", "Library", "Noise", "Penalty", "drawn", "here"]
