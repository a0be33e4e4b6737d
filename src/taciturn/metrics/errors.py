"""How far reconstructions are from rows, streamed: the same for any evaluation batch."""

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..moments import Moments


class SquaredErrors:
    """Sums of squared errors over rows added block by block, in float64.

    Examples
    --------
    >>> import torch
    >>> errors = SquaredErrors()
    >>> errors.add(torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [1.0]]))
    >>> errors.mean, errors.fvu
    (0.5, 0.5)
    """

    def __init__(self) -> None:
        self.moments = Moments()
        self.per_column: NDArray[np.float64] = np.zeros(0)  # Σ over rows

    def add(self, x: Tensor, recon: Tensor) -> None:
        """Take in rows [B, D] and their reconstructions."""
        self.moments.add(x.double().cpu().numpy())
        squared = (recon.double() - x.double()).square().sum(0).cpu().numpy()
        self.per_column = self.per_column + squared if self.per_column.size else squared

    @property
    def mean(self) -> float:
        """The mean squared error over rows and columns."""
        return float(self.per_column.mean() / self.moments.count)

    @property
    def fvu(self) -> float:
        """The fraction of variance unexplained, Σ‖x - x̂‖² / Σ‖x - mean‖², the mean being that of all rows added.

        0 is perfect, 1 is no better than saying the mean; rows that are all alike have none to explain: 0 if
        they are met exactly, else infinite.
        """
        error, variance = float(self.per_column.sum()), float(self.moments.squares.sum())
        if variance > 0:
            return error / variance
        return math.inf if error > 0 else 0.0

    @property
    def peak(self) -> float:
        """The range of the rows' values, over all columns."""
        return float(self.moments.high.max() - self.moments.low.min())

    @property
    def psnr(self) -> float:
        """The peak signal-to-noise ratio 10 log10(peak² / mean squared error), in dB."""
        return psnr(self.mean, self.peak)


def psnr(mean_squared_error: float, peak: float) -> float:
    """Return 10 log10(peak² / error) in dB; infinite without error.

    Examples
    --------
    >>> round(psnr(0.01, 1.0), 6)
    20.0
    """
    if mean_squared_error == 0:
        return math.inf
    return 10 * math.log10(peak**2 / mean_squared_error) if peak else -math.inf
