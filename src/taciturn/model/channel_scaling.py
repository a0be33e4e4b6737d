"""One scaling for all numbers of a channel, of signals or of images."""

from dataclasses import dataclass

import numpy as np

from ..core.recipe import check
from ..data.moments import Moments
from .scaling import Scaling, Vector

MAX_CHANNELS = 2**31 - 1


@dataclass(frozen=True)
class Channels(Scaling):
    """Each channel gets mean 0 and standard deviation 1, at all times together; constant channels are only centred.

    Parameters
    ----------
    count : int
        The number of channels, ≥ 1, which divides that of the columns: rows are flattened in the order (time, channel).

    Examples
    --------
    >>> shift, scale = Channels(2).fit(Moments().add([[0.0, 5.0, 2.0, 5.0], [2.0, 5.0, 4.0, 5.0]]))
    >>> shift.tolist(), scale.round(3).tolist()
    ([2.0, 5.0, 2.0, 5.0], [1.414, 1.0, 1.414, 1.0])
    """

    count: int

    name = "channels"
    columns_alike = True

    def __post_init__(self) -> None:
        check(self, "count", 1, MAX_CHANNELS, whole=True)

    def fit(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return the mean and the standard deviation of each column's channel."""
        mean, deviation = self._of_channels(moments)
        times = len(moments.mean) // self.count
        return np.tile(mean, times), np.tile(deviation, times)

    def description(self, moments: Moments) -> str:
        """Return what is done, with the standard deviations of up to four channels."""
        deviations = [f"{each:.4g}" for each in self._of_channels(moments)[1]]
        shown = ", ".join(deviations[:4]) + (", …" if self.count > 4 else "")
        return f"each channel standardised to mean 0, deviation 1; the deviation was {shown}"

    def _of_channels(self, moments: Moments) -> tuple[Vector, Vector]:
        """Return the mean and the standard deviation of each channel's known values."""
        known = (moments.count - moments.missing).reshape(-1, self.count)
        n = np.maximum(known.sum(0), 1)
        means = moments.mean.reshape(-1, self.count)
        mean = (known * means).sum(0) / n
        squares = moments.squares.reshape(-1, self.count).sum(0) + (known * (means - mean) ** 2).sum(0)
        low, high = (each.reshape(-1, self.count) for each in (moments.low, moments.high))
        constant = ~(low.min(0) < high.max(0))
        return mean, np.where(constant, 1.0, np.sqrt(squares / n))
