"""F1. The sparse operations: plain and chunked."""

from .chunked import Chunked
from .index import Above, AtLeast, Index, Rule, Top, TopBatch
from .kernels import Kernels
from .plain import Plain
from .products import fast_products
from .proposed import BFloat16, Int8, Proposed, Rounded
from .tables import Tables, Torch

__all__ = [
    "Above",
    "AtLeast",
    "BFloat16",
    "Chunked",
    "Index",
    "Int8",
    "Kernels",
    "Plain",
    "Proposed",
    "Rounded",
    "Rule",
    "Tables",
    "Top",
    "TopBatch",
    "Torch",
    "fast_products",
]
