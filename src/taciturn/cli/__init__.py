"""F14. The command line, one file a command."""

from . import denoise, encode, evaluate, fit, info, plot_sparsity_loss
from .app import main

__all__ = ["denoise", "encode", "evaluate", "fit", "info", "main", "plot_sparsity_loss"]
