"""How far reconstructions are from rows, streamed: the same for any evaluation batch."""

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..data.moments import Moments


class SquaredErrors:
    """Squared errors of rows added block by block, in float64.

    Examples
    --------
    >>> import torch
    >>> errors = SquaredErrors()
    >>> errors.add(torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [1.0]]))
    >>> errors.mean, errors.fvu, errors.explained_variance
    (0.5, 0.5, 0.75)
    """

    def __init__(self) -> None:
        self.moments = Moments()  # of the rows
        self.residuals = Moments()  # of x̂ - x
        self.per_column: NDArray[np.float64] = np.zeros(0)  # Σ (x̂ - x)² over rows

    def add(self, x: Tensor, recon: Tensor) -> None:
        """Take in rows [B, D] and their reconstructions."""
        self.moments.add(x.double().cpu().numpy())
        residuals = recon.double() - x.double()
        squared = residuals.square().sum(0).cpu().numpy()
        self.per_column = self.per_column + squared if self.per_column.size else squared
        with np.errstate(over="ignore", invalid="ignore"):  # what has diverged is infinite or NaN, without a word
            self.residuals.add(residuals.cpu().numpy())

    @property
    def mean(self) -> float:
        """The mean squared error Σ (x̂ - x)² / (N D) over N rows and D columns, in squared units of the rows."""
        return float(self.per_column.mean() / self.moments.count)

    @property
    def fvu(self) -> float:
        """The fraction of variance unexplained, Σ‖x - x̂‖² / Σ‖x - mean‖², the mean being that of all rows added.

        0 is perfect, 1 is no better than saying the mean; rows that are all alike have none to explain: 0 if
        they are met exactly, else infinite.
        """
        return _share(self.per_column.sum(), self.moments.squares.sum())

    @property
    def explained_variance(self) -> float:
        """The share of variance explained, 1 - Σ_d Var(x_d - x̂_d) / Σ_d Var(x_d), up to 1.

        A constant error costs nothing here, while it does in 1 - fvu: this is never less, and equal where each column's
        mean error is 0. scikit-learn's `explained_variance_score(multioutput="variance_weighted")`, but that constant
        columns count; rows that are all alike: 1 if the error is constant as well, else minus infinity.
        """
        return 1 - _share(self.residuals.squares.sum(), self.moments.squares.sum())

    @property
    def peak(self) -> float:
        """The range of the rows' values, over all columns."""
        return float(self.moments.high.max() - self.moments.low.min())

    @property
    def psnr(self) -> float:
        """The peak signal-to-noise ratio 10 log10(peak² / mean squared error), in dB."""
        return psnr(self.mean, self.peak)


def psnr(mean_squared_error: float, peak: float) -> float:
    """Return 10 log10(peak² / error) in dB; infinite without error, minus infinity for an infinite one or no peak.

    Examples
    --------
    >>> round(psnr(0.01, 1.0), 6)
    20.0
    """
    if mean_squared_error == 0:
        return math.inf
    ratio = peak**2 / mean_squared_error
    return 10 * math.log10(ratio) if ratio != 0 else -math.inf


def _share(part: float, whole: float) -> float:
    """Return part / whole; of nothing, 0 if the part is nothing too, else infinity."""
    if whole > 0:
        return float(part / whole)
    return math.inf if part > 0 else 0.0
