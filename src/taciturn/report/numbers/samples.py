"""Sample rows with their errors, and the distribution of the errors over rows and columns."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...corruption import Corruption, corrupted
from ...data.device_rows import tensor
from ...data.sources import Source
from ...inference import (
    Evaluation,
    Units,
    corrupted_only,
    filled,
    in_row_precision,
    mean_of_known,
    of_noisy_length,
    with_missing,
)
from ...metrics import VariableErrors, psnr
from ...metrics.errors import errors_of
from ...model import Autoencoder
from .numbers import ShortRepr, finite
from .study import Study

GROUPS = ("first", "best", "median", "worst")
FIRST_ROWS = 10
GROUP_ROWS = 4  # of each other group
LARGEST_ERRORS = 20  # rows that are listed
BINS = 40
QUANTILES = (0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1)


@dataclass(frozen=True)
class RowError:
    """The errors of one row.

    Parameters
    ----------
    row : int
        The row's index.
    error : float
        Mean squared error of the clean row's reconstruction, in units of the data (see `Summary`), ≥ 0; NaN where no
        value of the row is known.
    psnr_before : float or None
        PSNR of the row as the model received it, in dB; None if it equals the clean row. Where the corruption makes
        values missing, here and in `psnr_after`, of the entries that it changed.
    psnr_after : float or None
        PSNR of the reconstruction of the row as the model received it, in dB; None if it is exact. Both are None where
        no clean row is known, and for tables with booleans or categories.
    """

    row: int
    error: float
    psnr_before: float | None
    psnr_after: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Errors(ShortRepr):
    """The distribution of the errors of clean rows, in units of the data (see `Summary`).

    Errors are those of known values. Rows without any are left out.

    Parameters
    ----------
    per_column : list of float [D]
        Mean squared error of each column, ≥ 0; NaN where no value is known. Of a table with booleans or categories one
        number for each variable: its loss divided by that of the training rows' best constant.
    quantiles : list of float [9]
        Quantiles of the rows' mean squared errors, at 0, .01, .05, .25, .5, .75, .95, .99 and 1.
    edges : list of float [41]
        Edges of the bins of a histogram of the rows' mean squared errors.
    counts : list of int [40]
        Rows in each bin.
    largest : list of (int, float)
        Up to 20 rows with the largest mean squared errors, and these: (index, error), the largest first.
    rmse : list of float [D] or None
        Root mean squared error of each column in the column's own unit; None if columns have no names, and for tables
        with booleans, categories or dates (see `variables`).
    deviations : list of float [D] or None
        Standard deviation of each column in the same unit, on the same rows.
    """

    per_column: list[float]
    quantiles: list[float]
    edges: list[float]
    counts: list[int]
    largest: list[tuple[int, float]]
    rmse: list[float] | None
    deviations: list[float] | None


@dataclass(frozen=True, eq=False, repr=False)
class SampleRows(ShortRepr):
    """The sample rows, in the input's units. The page draws them; report.json does not hold them.

    A missing value is NaN in the clean rows, and in the rows as the model received them.

    Parameters
    ----------
    clean : dict of int to array [D]
        Each row by its index; its target, if rows are not their own.
    corrupted : dict of int to array [D]
        The same rows as the model received them: the first rows corrupted, all others as they are. Empty where targets
        have other columns.
    reconstruction : dict of int to array [D]
        Their reconstructions, or the estimates of their targets.
    """

    clean: dict[int, NDArray[Any]]
    corrupted: dict[int, NDArray[Any]]
    reconstruction: dict[int, NDArray[Any]]


@dataclass(frozen=True, eq=False, repr=False)
class Samples(ShortRepr):
    """Four groups of sample rows.

    Parameters
    ----------
    corruption : str
        The corruption of the first rows; "" for none.
    first : list of RowError
        The first 10 rows, corrupted.
    best, median, worst : list of RowError
        4 clean rows each: with the least errors, around the median error, and with the largest errors.
    rows : SampleRows
        The rows of all groups.
    """

    corruption: str
    first: list[RowError]
    best: list[RowError]
    median: list[RowError]
    worst: list[RowError]
    rows: SampleRows

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without `rows`."""
        groups = {name: [asdict(row_error) for row_error in getattr(self, name)] for name in GROUPS}
        return {"corruption": self.corruption} | groups


def errors(evaluation: Evaluation, rmse: NDArray[Any] | None, deviations: NDArray[Any] | None) -> Errors:
    """Return the distribution of an evaluation's errors over rows and columns; see `Errors` for the parameters."""
    row_errors = evaluation.row_errors
    order = np.argsort(-row_errors, kind="stable")[:LARGEST_ERRORS]
    largest = [(int(row), float(row_errors[row])) for row in order if np.isfinite(row_errors[row])]
    row_errors = row_errors[np.isfinite(row_errors)] if not np.isfinite(row_errors).all() else row_errors
    counts, edges = np.histogram(row_errors, BINS)
    per_column = evaluation.clean.column_means
    quantiles = np.quantile(row_errors, QUANTILES)
    own_units = [None if numbers is None else numbers.tolist() for numbers in (rmse, deviations)]
    return Errors(per_column.tolist(), quantiles.tolist(), edges.tolist(), counts.tolist(), largest, *own_units)


@torch.no_grad()
def samples(
    model: Autoencoder,
    source: Source,
    evaluation: Evaluation,
    corruption: Corruption,
    *,
    target: Source | None = None,
    seed: int = 0,
) -> Samples:
    """Return sample rows and their errors.

    Parameters
    ----------
    model : Autoencoder
        The model that reconstructs the rows.
    source : Source
        Rows [N, D], in the input's units.
    evaluation : Evaluation
        The model's evaluation on the same source.
    corruption : Corruption
        The corruption of the first rows; schedules stand at their last value.
    target : Source or None, default=None
        The rows' targets; None: the rows themselves.
    seed : int, default=0
        Seed of the corruption's noise.

    Returns
    -------
    Samples
    """
    known = np.flatnonzero(~np.isnan(evaluation.row_errors))
    order = known[np.argsort(evaluation.row_errors[known], kind="stable")]
    middle = max(len(order) // 2 - GROUP_ROWS // 2, 0)
    first = np.arange(min(FIRST_ROWS, len(source)))
    groups = [first, order[:GROUP_ROWS], order[middle : middle + GROUP_ROWS], order[::-1][:GROUP_ROWS]]
    indices = np.unique(np.concatenate(groups))
    model, final_corruption = in_row_precision(model, source.dtype), corruption.at(1.0)
    rows = tensor(source.take(indices)).to(model.dictionary.device)
    x, lengths = model.scaled_and_lengths(rows)
    units, received = Units(model), x.clone()
    # the same noise as `evaluate` draws for the source's first rows, if its first block holds all of them
    received[: len(first)] = corrupted(x[: len(first)], final_corruption, seed=seed, purpose="evaluate")
    hidden = received.isnan() | rows.isnan()
    own = rows if target is None else tensor(target.take(indices)).to(rows.device)
    judged = with_missing(units.rows(rows, x), rows) if target is None else units.rows(own)
    judged = judged.double()
    judged[: len(first)] = corrupted_only(judged, received, x, final_corruption)[: len(first)]
    received, lengths = of_noisy_length(model, received, rows, lengths)
    received = filled(received, x, rows, model.scaled_mean)
    reconstruction = model.denoised(received, hidden)
    peak = evaluation.clean.peak
    row_errors = {}
    comparable = not model.layout.outputs  # received rows with targets
    outputs = units.outputs(reconstruction, lengths)
    before, after = (
        mean_of_known(errors_of(numbers.double(), judged).square(), 1).tolist()
        for numbers in (units.inputs(received, lengths) if comparable else outputs, outputs)
    )
    # categories have no range
    has_psnr = comparable and not (evaluation.hidden or isinstance(evaluation.clean, VariableErrors))
    for row, error_before, error_after in zip(indices.tolist(), before, after, strict=True):
        psnr_before, psnr_after = psnr(error_before, peak), psnr(error_after, peak)
        decibels = (None, None) if not has_psnr else (finite(psnr_before), finite(psnr_after))
        row_errors[row] = RowError(row, float(evaluation.row_errors[row]), *decibels)
    first_rows, best, median, worst = ([row_errors[row] for row in group.tolist()] for group in groups)
    clean_rows, corrupted_rows, reconstructions = (
        dict(zip(indices.tolist(), group.cpu().numpy(), strict=True))
        for group in (
            own,
            model.unscale_inputs(received, lengths).masked_fill(hidden, np.nan),
            model.unscale_rows(reconstruction, lengths),
        )
    )
    corrupted_rows = corrupted_rows if comparable else {}
    name = "" if corruption.clean else corruption.text
    return Samples(name, first_rows, best, median, worst, SampleRows(clean_rows, corrupted_rows, reconstructions))


def measure(study: Study) -> Samples:
    """Return the sample rows of a report."""
    return samples(study.model, study.rows, study.evaluation, study.corruption, target=study.targets, seed=study.seed)


def measure_errors(study: Study) -> Errors:
    """Return the distribution of the errors of a report; of a table also each column's error in its own unit."""
    evaluation = study.evaluation
    squares = evaluation.clean.column_means, evaluation.clean.moments.variance
    plain = study.reconstructed.columns is not None and study.schema is None
    own_units = (None, None) if not plain else [np.sqrt(each) * evaluation.unit for each in squares]
    return errors(evaluation, *own_units)
