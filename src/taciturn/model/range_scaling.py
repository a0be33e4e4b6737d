"""One scaling for all pixels of images whose values are neither in [0, 1] nor of the type uint8."""

from dataclasses import dataclass

import numpy as np

from ..data.moments import Moments
from .scaling import Scaling, Vector


@dataclass(frozen=True)
class Range(Scaling):
    """All columns alike: their least value becomes 0 and their greatest 1. For the pixels of images.

    Examples
    --------
    >>> shift, scale = Range().fit(Moments().add([[0.0, 5.0], [2.0, 10.0]]))
    >>> shift.tolist(), scale.tolist()
    ([0.0, 0.0], [10.0, 10.0])
    """

    name = "range"
    columns_alike = True

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return the least value of all columns, and the difference to the greatest."""
        low, high = float(np.min(moments.low)), float(np.max(moments.high))
        if not low < high:  # constant, or no value is known
            low, high = (low, low + 1) if np.isfinite(low) else (0.0, 1.0)
        return np.full_like(moments.mean, low), np.full_like(moments.mean, high - low)

    def description(self, moments: Moments) -> str:
        """Return what is done, with the range."""
        shift, scale = self.fit(moments)
        return f"all columns scaled alike, from {shift[0]:g} … {shift[0] + scale[0]:g} to 0 … 1"
