"""A trained model applied to a source's rows, block by block: codes, reconstructions, errors, evaluation."""

from .blocks import (
    corrupted_only,
    filled,
    mean_of_known,
    of_any_count,
    of_noisy_length,
    require_own_targets,
    row_blocks,
    with_missing,
)
from .denoising_errors import denoising_errors, mean_and_standard_error, stein_errors
from .encode import all_codes, encode, to_csr
from .evaluate import Evaluation, evaluate
from .features import OUTPUTS, check_outputs, codes_among, feature_names, features
from .precision import in_row_precision
from .reconstruct import components, decode, denoise, directions, errors, impute, predict, relative_components
from .row_scores import row_scores
from .to_arrays import arrays, write_mat, write_npz
from .to_keras import to_keras, to_keras_file
from .to_onnx import to_onnx
from .to_torch_export import to_torch_export
from .units import Units

__all__ = [
    "OUTPUTS",
    "Evaluation",
    "Units",
    "all_codes",
    "arrays",
    "check_outputs",
    "codes_among",
    "components",
    "corrupted_only",
    "decode",
    "denoise",
    "denoising_errors",
    "directions",
    "encode",
    "errors",
    "evaluate",
    "feature_names",
    "features",
    "filled",
    "impute",
    "in_row_precision",
    "mean_and_standard_error",
    "mean_of_known",
    "of_any_count",
    "of_noisy_length",
    "predict",
    "relative_components",
    "require_own_targets",
    "row_blocks",
    "row_scores",
    "stein_errors",
    "to_csr",
    "to_keras",
    "to_keras_file",
    "to_onnx",
    "to_torch_export",
    "with_missing",
    "write_mat",
    "write_npz",
]
