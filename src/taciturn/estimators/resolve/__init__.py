"""The parts of a run, resolved from an estimator's parameters and its rows: one function for each "auto" rule."""

from .network import activations, dictionary_parts, objective, output, sparsity, widths
from .noisy_rows import fitted_to_rows
from .resolve import resolve
from .rows import (
    check_batches,
    check_bounded,
    check_known,
    check_range,
    corruption,
    measured,
    scaling_dtype,
    streamed,
    warn_of_extreme_rows,
)
from .training import batch_size, device, dictionary_rate, epochs, learning_rate, precision, survey_rows
from .values import flag, number, part, positive_integer

__all__ = [
    "activations",
    "batch_size",
    "check_batches",
    "check_bounded",
    "check_known",
    "check_range",
    "corruption",
    "device",
    "dictionary_parts",
    "dictionary_rate",
    "epochs",
    "fitted_to_rows",
    "flag",
    "learning_rate",
    "measured",
    "number",
    "objective",
    "output",
    "part",
    "positive_integer",
    "precision",
    "resolve",
    "scaling_dtype",
    "sparsity",
    "streamed",
    "survey_rows",
    "warn_of_extreme_rows",
    "widths",
]
