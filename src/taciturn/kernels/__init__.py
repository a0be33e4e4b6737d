"""F1. The sparse operations: plain and chunked."""

from .chunked import Chunked
from .index import Index, Rule, Top
from .kernels import Kernels
from .plain import Plain

__all__ = ["Chunked", "Index", "Kernels", "Plain", "Rule", "Top"]
