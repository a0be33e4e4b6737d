"""F1. The sparse operations: plain and chunked."""

from .chunked import Chunked
from .index import Above, AtLeast, Index, Rule, Top, TopBatch
from .kernels import Kernels
from .plain import Plain

__all__ = ["Above", "AtLeast", "Chunked", "Index", "Kernels", "Plain", "Rule", "Top", "TopBatch"]
