"""Sparse operations on pre-activations: selecting entries, computing their values, and decoding them."""

from .allocation import returned_at_once
from .chunked import Chunked
from .index import Above, AtLeast, Index, Rule, Top, TopBatch
from .kernels import Kernels
from .plain import Plain
from .products import SMALL, fast_products, mkl_is_slow, multiplies_bfloat16
from .rescored import BFloat16, BFloat16Factors, Int8, Rescored, RoundedProduct
from .shortlist import Shortlist
from .tables import Tables, TorchTables
from .threads import one_thread_if_small

__all__ = [
    "SMALL",
    "Above",
    "AtLeast",
    "BFloat16",
    "BFloat16Factors",
    "Chunked",
    "Index",
    "Int8",
    "Kernels",
    "Plain",
    "Rescored",
    "RoundedProduct",
    "Rule",
    "Shortlist",
    "Tables",
    "Top",
    "TopBatch",
    "TorchTables",
    "fast_products",
    "mkl_is_slow",
    "multiplies_bfloat16",
    "one_thread_if_small",
    "returned_at_once",
]
