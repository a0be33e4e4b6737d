"""A number a row, averaged over rows."""

import math
from abc import ABC, abstractmethod

from torch import Tensor


class RowMean(ABC):
    """The mean over rows, added block by block, of one number a row; in float64."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0.0

    def add(self, x: Tensor, recon: Tensor) -> None:
        """Take in rows [B, D] and their reconstructions."""
        self._sum += self.each(x, recon).sum().item()
        self.rows += len(x)

    @property
    def mean(self) -> float:
        """The mean over all rows added, NaN before the first."""
        return self._sum / self.rows if self.rows else math.nan

    @abstractmethod
    def each(self, x: Tensor, recon: Tensor) -> Tensor:
        """Return each row's number [B], in float64."""
