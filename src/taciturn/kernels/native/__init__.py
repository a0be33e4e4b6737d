"""A few loops in C: optional, built where installing finds a compiler."""

from .adam import adam
from .dots import dots
from .library import ROUNDING, Dense, Library, Noise, Penalty, Select, floats, here, readable
from .noise import drawn
from .select import CandidateInputs, IntegerProduct, selects, top

__all__ = [
    "ROUNDING",
    "CandidateInputs",
    "Dense",
    "IntegerProduct",
    "Library",
    "Noise",
    "Penalty",
    "Select",
    "adam",
    "dots",
    "drawn",
    "floats",
    "here",
    "readable",
    "selects",
    "top",
]
