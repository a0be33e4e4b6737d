"""Coding layers: recipes that turn pre-activations into codes."""

from .batch_topk import BatchTopK
from .by_variable import ByVariable
from .coding_layer import CodingLayer
from .elementwise import ELU, Elementwise, Identity, ReLU, Sigmoid, Tanh
from .form import ElementwiseForm, Form, GateForm, ThresholdForm, TopForm
from .gated import Gated
from .jumprelu import JumpReLU
from .topk import TopK
from .topk_first import TopKFirst

__all__ = [
    "ELU",
    "BatchTopK",
    "ByVariable",
    "CodingLayer",
    "Elementwise",
    "ElementwiseForm",
    "Form",
    "GateForm",
    "Gated",
    "Identity",
    "JumpReLU",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "ThresholdForm",
    "TopForm",
    "TopK",
    "TopKFirst",
]
