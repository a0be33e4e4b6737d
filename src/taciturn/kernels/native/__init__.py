"""A few loops in C: optional, built where installing finds a compiler."""

from .adam import adam
from .dots import dots
from .library import ROUNDING, Dense, Library, Noise, Penalty, Select, floats, here, readable
from .noise import drawn
from .select import Near, Whole, selects, top

__all__ = [
    "ROUNDING",
    "Dense",
    "Library",
    "Near",
    "Noise",
    "Penalty",
    "Select",
    "Whole",
    "adam",
    "dots",
    "drawn",
    "floats",
    "here",
    "readable",
    "selects",
    "top",
]
