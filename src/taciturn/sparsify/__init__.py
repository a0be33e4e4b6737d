"""F4. Coding layers: from what the encoder offers to what is said."""

from .elementwise import ELU, Elementwise, Identity, ReLU, Sigmoid, Tanh
from .sparsifier import Sparsifier
from .topk import TopK

__all__ = ["ELU", "Elementwise", "Identity", "ReLU", "Sigmoid", "Sparsifier", "Tanh", "TopK"]
