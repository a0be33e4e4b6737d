"""The command line, one file per command."""

from . import (
    check,
    compare,
    convert,
    denoise,
    encode,
    evaluate,
    export,
    fit,
    impute,
    info,
    plan,
    plot_sparsity_loss,
    predict,
    report,
    resume,
    score,
    watch,
)
from .app import main

__all__ = [
    "check",
    "compare",
    "convert",
    "denoise",
    "encode",
    "evaluate",
    "export",
    "fit",
    "impute",
    "info",
    "main",
    "plan",
    "plot_sparsity_loss",
    "predict",
    "report",
    "resume",
    "score",
    "watch",
]
