"""Coding layers: from what the encoder offers to what is said."""

from .batch_topk import BatchTopK
from .coding_layer import CodingLayer
from .elementwise import ELU, Elementwise, Identity, ReLU, Sigmoid, Tanh
from .gated import Gated
from .jumprelu import JumpReLU
from .topk import TopK

__all__ = [
    "ELU",
    "BatchTopK",
    "CodingLayer",
    "Elementwise",
    "Gated",
    "Identity",
    "JumpReLU",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "TopK",
]
