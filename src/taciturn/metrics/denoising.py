"""A scikit-learn scorer that judges every candidate under one noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.errors import DataError, RecipeError
from ..corruption import Corruption, VariableNoise, corrupted
from ..data.missing_values import with_nan
from ..data.moments import measure_moments
from ..data.sources import Rows, check_finite
from ..data.variables import EncodedRows, Variables
from ..model import Auto, VariableScaling, VariableTargets
from ..model.coding_layers import ByVariable
from .errors import SquaredErrors
from .variable_errors import VariableErrors


@dataclass(frozen=True)
class DenoisingScorer:
    """A scorer (estimator, X) → share of the variance of clean rows that is restored from noisy ones.

    `denoising_scorer` returns it and describes it.
    """

    corruption: Corruption
    seed: int = 0

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Return the estimator's score on clean rows X [N, D]; `y` is ignored."""
        variables: Variables | None = getattr(estimator, "variables_", None)
        if variables is not None and not variables.plain:
            return self._of_table(estimator, variables, X)
        dense = X.toarray() if hasattr(X, "toarray") else X
        array, is_frame = np.asarray(with_nan(dense)), hasattr(X, "columns")
        rows = Rows(_numbers(array, estimator) if array.dtype.kind == "O" else array)
        check_finite(rows, missing=True)
        moments = measure_moments(rows)
        # a table's types mean nothing; a bare array of uint8 holds images
        shift, scale = Auto().resolve(moments, np.float64 if is_frame else rows.dtype).fit(moments)
        clean = (rows.read(0, len(rows)).astype(np.float64) - shift) / scale
        noisy = corrupted(torch.from_numpy(clean), self.corruption.at(1.0), seed=self.seed, purpose="score").numpy()
        received = np.where(np.isnan(clean), np.nan, noisy) * scale + shift
        received = _like_frame(X, received) if is_frame else received
        denoise = getattr(estimator, "denoise", None)
        restored = estimator.inverse_transform(estimator.transform(received)) if denoise is None else denoise(received)
        errors = SquaredErrors()
        errors.add(torch.from_numpy(clean), torch.from_numpy((np.asarray(restored, np.float64) - shift) / scale))
        return 1.0 - errors.fvu

    def _of_table(self, estimator: Any, variables: Variables, X: Any) -> float:
        """Return the score on a table of more than plain numbers, as the estimator encodes it."""
        source = variables.source(X)
        check_finite(source, missing=True)
        output, moments = ByVariable(variables.levels), measure_moments(source)
        shift, scale = VariableScaling(variables.levels).fit(moments)
        clean = source.read(0, len(source))
        noise = VariableNoise(self.corruption.at(1.0), tuple(max(levels, 1) for levels in variables.levels))
        scaled = torch.from_numpy((clean - shift) / scale)
        noisy = corrupted(scaled, noise, seed=self.seed, purpose="score").numpy() * scale + shift
        received = EncodedRows(np.where(np.isnan(clean), np.nan, noisy), variables)
        shift, scale = VariableTargets(variables.levels).fit(moments)
        errors = VariableErrors(output, np.ones(len(variables.levels)))
        restored = (np.asarray(estimator.denoise(received), np.float64) - shift) / scale
        target = torch.from_numpy((clean - shift) / scale)
        errors.add(output.without_unseen(target), torch.from_numpy(restored))
        return 1.0 - errors.fvu


def denoising_scorer(corruption: str | Corruption, seed: int = 0) -> DenoisingScorer:
    """Return a scikit-learn scorer that judges every candidate under one noise, such as `scoring=` of GridSearchCV.

    Parameters
    ----------
    corruption : str or Corruption
        The noise, such as "gaussian:0.4". Schedules stand at their last value.
    seed : int, default=0
        Seed of the noise: every candidate gets the same noise on the same rows.

    Returns
    -------
    callable (estimator, X, y=None) -> float
        1 - FVU of the clean rows X, restored from noisy ones: 1 is perfect, 0 is no better than the mean of X. The
        estimator has a method `denoise`, or `transform` and `inverse_transform` as PCA has. Of a table with booleans,
        categories or dates 1 minus the mean over variables of loss / best constant's loss, as `score` of clean rows.

    Raises
    ------
    RecipeError
        The text names no corruption.

    Notes
    -----
    The noise is added in units fixed by X: those that `scaling="auto"` finds for it, whatever an estimator's own
    scaling and corruption are. For columns that are standardised, std=0.4 is 0.4 standard deviations of each column of
    X. Errors are in the same units.

    The noise of a table with booleans, categories or dates acts on variables: of categories on their columns of 0 and
    1, scaled as for training. Levels that training rows did not have are not judged.

    X may have missing values (NaN). The estimator gets them as they are, and is not judged there.

    An estimator's `score` adds no noise. It prefers the model that keeps most of a clean row, which is often one that
    was trained without noise. Use this scorer to choose among denoising autoencoders, and `score` where clean rows will
    be encoded.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data / 16
    >>> scorer = denoising_scorer("gaussian:0.4")
    >>> scorer(PCA(2).fit(X), X) < scorer(PCA(8).fit(X), X) > scorer(PCA(30).fit(X), X)
    True
    """
    if isinstance(corruption, str):
        corruption = Corruption.parse(corruption)
    if not isinstance(corruption, Corruption):
        raise RecipeError(f"corruption={corruption!r} is neither a Corruption nor the text of one")
    return DenoisingScorer(corruption, seed)


def _numbers(array: NDArray[Any], estimator: Any) -> NDArray[np.float64]:
    """Return an array of objects as numbers; raise DataError for a table that holds something else."""
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"the table does not hold numbers alone, and {type(estimator).__name__} does not tell how it encodes the "
            "rest; score an estimator of taciturn that was trained on the table, or give encoded rows"
        ) from error


def _like_frame(X: Any, values: NDArray[np.float64]) -> Any:
    """Return values [N, D] as a data frame of the kind and with the columns of X, from pandas or Polars."""
    if hasattr(X, "index"):
        return type(X)(values, columns=X.columns, index=X.index)
    return type(X)(values, schema=list(X.columns))
