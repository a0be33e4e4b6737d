"""Squared reconstruction errors, streamed: the result does not depend on the size of the blocks."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.moments import Moments


class SquaredErrors:
    """Squared errors of reconstructions, streamed block by block in float64.

    Add blocks with `add`, then read the properties. Values that are missing (NaN) in the rows count nowhere.

    Attributes
    ----------
    moments : Moments
        Column statistics of the rows.
    residuals : Moments
        Column statistics of the errors x̂ - x.
    per_column : array [D], float64
        Σ (x̂ - x)² over the rows.

    Examples
    --------
    >>> import torch
    >>> errors = SquaredErrors()
    >>> errors.add(torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [1.0]]))
    >>> errors.mean, errors.fvu, errors.explained_variance
    (0.5, 0.5, 0.75)
    """

    def __init__(self) -> None:
        self.moments = Moments()
        self.residuals = Moments()
        self.per_column: NDArray[np.float64] = np.zeros(0)

    def add(self, x: Tensor, recon: Tensor) -> None:
        """Add a block of rows [B, D] and their reconstructions [B, D]."""
        self.moments.add(x.double().cpu().numpy())
        residuals = errors_of(recon.double(), x.double())
        squares = residuals.square()
        squared = (squares.nansum(0) if bool(x.isnan().any()) else squares.sum(0)).cpu().numpy()
        self.per_column = self.per_column + squared if self.per_column.size else squared
        with np.errstate(over="ignore", invalid="ignore"):  # a diverged model gives infinity without a warning
            self.residuals.add(residuals.cpu().numpy())

    @property
    def mean(self) -> float:
        """The mean squared error Σ (x̂ - x)² / (N D) over N rows and D columns, ≥ 0, in squared units of the rows.

        With missing values it is the mean over all known ones; NaN without any.
        """
        known = self.moments.known
        if isinstance(known, np.ndarray):
            return float(self.per_column.sum() / known.sum()) if known.any() else math.nan
        return float(self.per_column.mean() / known)

    @property
    def column_means(self) -> NDArray[np.float64]:
        """The mean squared error of each column's known values [D]; NaN where none is known."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.per_column / self.moments.known)

    @property
    def fvu(self) -> float:
        """The fraction of variance unexplained, ≥ 0: 0 is perfect, 1 is no better than predicting the mean.

        Notes
        -----
        FVU = Σ‖x - x̂‖² / Σ‖x - mean‖², with the mean of all rows added. Constant rows have no variance to explain:
        0 if they are reconstructed exactly, else infinity.
        """
        return _ratio(self.per_column.sum(), self.moments.squares.sum())

    @property
    def explained_variance(self) -> float:
        """The share of variance explained, at most 1 (perfect).

        Notes
        -----
        1 - Σ_d Var(x_d - x̂_d) / Σ_d Var(x_d). A constant error costs nothing here, while it does in 1 - fvu: this is
        never less, and equal where each column's mean error is 0. It is scikit-learn's
        `explained_variance_score(multioutput="variance_weighted")`, except that constant columns count. For constant
        rows it is 1 if the error is constant as well, else minus infinity.
        """
        return 1 - _ratio(self.residuals.squares.sum(), self.moments.squares.sum())

    @property
    def peak(self) -> float:
        """The largest range (largest minus smallest value) of a column of the rows."""
        low, high = self.moments.low, self.moments.high
        return float(np.subtract(high, low, out=np.zeros_like(high), where=low <= high).max())

    @property
    def psnr(self) -> float:
        """The peak signal-to-noise ratio 10 log10(peak² / mean squared error), in dB; larger is better."""
        return psnr(self.mean, self.peak)


def errors_of(recon: Tensor, x: Tensor) -> Tensor:
    """Return x̂ - x; NaN exactly where x is missing. Where the reconstruction itself is NaN, the error is infinite."""
    errors = recon - x
    undefined = errors.isnan()
    return torch.where(undefined & ~x.isnan(), math.inf, errors) if bool(undefined.any()) else errors


def psnr(mean_squared_error: float, peak: float) -> float:
    """Return the peak signal-to-noise ratio in dB; larger is better.

    Parameters
    ----------
    mean_squared_error : float
        ≥ 0, in squared units of the values.
    peak : float
        The range of the values: 1 for pixels in [0, 1].

    Returns
    -------
    float
        10 log10(peak² / mean_squared_error) in dB. Infinity without error; minus infinity if the error is infinite or
        the peak is 0.

    Examples
    --------
    >>> round(psnr(0.01, 1.0), 6)
    20.0
    """
    if mean_squared_error == 0:
        return math.inf
    ratio = peak**2 / mean_squared_error
    return 10 * math.log10(ratio) if ratio != 0 else -math.inf


def _ratio(part: float, whole: float) -> float:
    """Return part / whole; if whole is 0, 0 if the part is 0 too, else infinity."""
    if whole > 0:
        return float(part / whole)
    return math.inf if part > 0 else 0.0
