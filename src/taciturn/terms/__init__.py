"""F4. Errors and penalties: each a number a batch. They add and scale."""

from .controller import Controller
from .cross_entropy import CrossEntropy
from .l1 import L1
from .rate import KL, RateTerm, SquaredRate, kl, squared_rate
from .squared_error import SquaredError
from .term import Objective, Term

__all__ = [
    "KL",
    "L1",
    "Controller",
    "CrossEntropy",
    "Objective",
    "RateTerm",
    "SquaredError",
    "SquaredRate",
    "Term",
    "kl",
    "squared_rate",
]
