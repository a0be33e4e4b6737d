"""A trained model applied to a source's rows, block by block: codes, reconstructions, errors, evaluation."""

from .blocks import corrupted_only, filled, mean_of_known, row_blocks, with_missing
from .encode import encode, to_csr
from .evaluate import Evaluation, evaluate
from .precision import in_row_precision
from .reconstruct import components, decode, denoise, directions, errors
from .units import Units

__all__ = [
    "Evaluation",
    "Units",
    "components",
    "corrupted_only",
    "decode",
    "denoise",
    "directions",
    "encode",
    "errors",
    "evaluate",
    "filled",
    "in_row_precision",
    "mean_of_known",
    "row_blocks",
    "to_csr",
    "with_missing",
]
