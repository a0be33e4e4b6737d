"""Base class of metrics that are the mean of one number per row."""

import math
from abc import ABC, abstractmethod

from torch import Tensor


class RowMean(ABC):
    """The mean over rows, streamed block by block, of one number per row; summed in float64.

    Rows x may have missing values (NaN). A number is that of the known values, and a row without any has none.

    Attributes
    ----------
    rows : int
        How many rows were added that have a number.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0.0

    def add(self, x: Tensor, recon: Tensor) -> None:
        """Add a block of rows [B, D] and their reconstructions [B, D]."""
        known = ~x.isnan().all(1)
        self._sum += self.per_row(x, recon)[known].sum().item()
        self.rows += int(known.sum())

    @property
    def mean(self) -> float:
        """The mean over all rows added, NaN before the first."""
        return self._sum / self.rows if self.rows else math.nan

    @abstractmethod
    def per_row(self, x: Tensor, recon: Tensor) -> Tensor:
        """Return each row's number [B], in float64; NaN where no value of x is known."""
