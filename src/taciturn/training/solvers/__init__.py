"""Optimisers."""

from .adam import Adam, Nadam, TensorFlowAdam
from .sgd import SGD
from .solver import Solver, groups

__all__ = ["SGD", "Adam", "Nadam", "Solver", "TensorFlowAdam", "groups"]
