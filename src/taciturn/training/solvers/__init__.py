"""Optimisers, as recipes."""

from .adam import Adam, Nadam, TensorFlowAdam
from .sgd import SGD
from .solver import Solver, parameter_groups

__all__ = ["SGD", "Adam", "Nadam", "Solver", "TensorFlowAdam", "parameter_groups"]
