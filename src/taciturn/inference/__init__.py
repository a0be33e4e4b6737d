"""A model over a source's rows, in blocks: codes, reconstructions, errors, evaluation."""

from .blocks import precise, row_blocks
from .encode import encode, sparse
from .evaluate import Evaluation, evaluate
from .reconstruct import components, decode, denoise, errors

__all__ = [
    "Evaluation",
    "components",
    "decode",
    "denoise",
    "encode",
    "errors",
    "evaluate",
    "precise",
    "row_blocks",
    "sparse",
]
