"""Loops in C for small or simple work: optional, built where the installation finds a C compiler."""

from .adam import adam
from .dots import dots
from .library import ROUNDING, Dense, Library, Noise, Penalty, Select, compiled_library, empty_floats, readable
from .noise import draw_noise
from .select import CandidateInputs, IntegerProduct, can_select, top_k

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
    "can_select",
    "compiled_library",
    "dots",
    "draw_noise",
    "empty_floats",
    "readable",
    "top_k",
]
