"""Coding layers: from what the encoder offers to what is said."""

from .batch_topk import BatchTopK
from .coding_layer import Sparsifier
from .elementwise import ELU, Elementwise, Identity, ReLU, Sigmoid, Tanh
from .gated import Gated
from .jumprelu import JumpReLU
from .topk import TopK

__all__ = [
    "ELU",
    "BatchTopK",
    "Elementwise",
    "Gated",
    "Identity",
    "JumpReLU",
    "ReLU",
    "Sigmoid",
    "Sparsifier",
    "Tanh",
    "TopK",
]
