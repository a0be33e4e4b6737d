"""The command line, one file per command."""

from . import compare, denoise, encode, evaluate, export, fit, info, plot_sparsity_loss, report, score
from .app import main

__all__ = [
    "compare",
    "denoise",
    "encode",
    "evaluate",
    "export",
    "fit",
    "info",
    "main",
    "plot_sparsity_loss",
    "report",
    "score",
]
