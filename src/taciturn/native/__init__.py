"""F0. The dense step, its noise and the selection of the largest in C: optional, built where a compiler is found."""

from .library import Dense, Library, Noise, Penalty, Select, here
from .noise import drawn
from .select import Near, Whole, selects, top

__all__ = ["Dense", "Library", "Near", "Noise", "Penalty", "Select", "Whole", "drawn", "here", "selects", "top"]
