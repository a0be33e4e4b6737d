"""A trained model applied to a source's rows, block by block: codes, reconstructions, errors, evaluation."""

from .blocks import row_blocks
from .encode import encode, to_csr
from .evaluate import Evaluation, evaluate
from .precision import in_row_precision
from .reconstruct import components, decode, denoise, directions, errors
from .to_keras import to_keras, to_keras_file
from .units import Units

__all__ = [
    "Evaluation",
    "Units",
    "components",
    "decode",
    "denoise",
    "directions",
    "encode",
    "errors",
    "evaluate",
    "in_row_precision",
    "row_blocks",
    "to_csr",
    "to_keras",
    "to_keras_file",
]
