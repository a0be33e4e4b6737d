"""The parts of a run, resolved from an estimator's parameters and its rows: one function for each "auto" rule."""

from .network import activations, dictionary_parts, objective, output, sparsity, widths
from .resolve import resolve
from .rows import corruption, requires_products
from .training import batch_size, device, dictionary_rate, epochs, learning_rate, precision
from .values import flag, number, part, positive_integer

__all__ = [
    "activations",
    "batch_size",
    "corruption",
    "device",
    "dictionary_parts",
    "dictionary_rate",
    "epochs",
    "flag",
    "learning_rate",
    "number",
    "objective",
    "output",
    "part",
    "positive_integer",
    "precision",
    "requires_products",
    "resolve",
    "sparsity",
    "widths",
]
