"""The command line, one file per command."""

from . import (
    compare,
    denoise,
    encode,
    evaluate,
    export,
    fit,
    impute,
    info,
    plot_sparsity_loss,
    report,
    resume,
    score,
    watch,
)
from .app import main

__all__ = [
    "compare",
    "denoise",
    "encode",
    "evaluate",
    "export",
    "fit",
    "impute",
    "info",
    "main",
    "plot_sparsity_loss",
    "report",
    "resume",
    "score",
    "watch",
]
