"""Terms of the objective: reconstruction errors and penalties, recipes that are added and scaled."""

from .auxk import AuxK
from .controller import Controller
from .count import CountTerm
from .cross_entropy import CrossEntropy
from .gated_aux import GatedAux
from .l0 import L0
from .l1 import L1
from .multi_topk import MultiTopK
from .nested import HierarchicalTopK, Matryoshka, Nested
from .orthogonality import Orthogonality
from .rate import KL, RateTerm, SquaredRate, kl, squared_rate
from .squared_error import SquaredError
from .tanh_penalty import TanhPenalty
from .term import Number, Objective, Term
from .variable_error import VariableError
from .weight_l2 import WeightL2

__all__ = [
    "KL",
    "L0",
    "L1",
    "AuxK",
    "Controller",
    "CountTerm",
    "CrossEntropy",
    "GatedAux",
    "HierarchicalTopK",
    "Matryoshka",
    "MultiTopK",
    "Nested",
    "Number",
    "Objective",
    "Orthogonality",
    "RateTerm",
    "SquaredError",
    "SquaredRate",
    "TanhPenalty",
    "Term",
    "VariableError",
    "WeightL2",
    "kl",
    "squared_rate",
]
