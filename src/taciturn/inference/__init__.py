"""A trained model applied to a source's rows, block by block: codes, reconstructions, errors, evaluation."""

from .blocks import in_row_precision, row_blocks
from .encode import encode, to_csr
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
    "in_row_precision",
    "row_blocks",
    "to_csr",
]
