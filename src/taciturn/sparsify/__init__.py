"""F4. Coding layers: from what the encoder offers to what is said."""

from .batch_topk import BatchTopK
from .elementwise import ELU, Elementwise, Identity, ReLU, Sigmoid, Tanh
from .gated import Gated
from .jumprelu import JumpReLU
from .sparsifier import Sparsifier
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
