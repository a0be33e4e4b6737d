"""Numbers of single rows under a model, what is remembered of them, and how two samples of such numbers differ."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
LEVELS = np.arange(1, 101) / 100  # of the quantiles that are remembered
TOLERANCE = 0.01  # values whose ratio differs from 1 by less count as equal
MIN_ERROR = 1e-6  # smaller relative errors count as equal: they are rounding


@dataclass(frozen=True, eq=False)
class RowScores:
    """Numbers of each row under a model; rows without a known value are left out.

    Parameters
    ----------
    errors : array [N]
        Mean squared error of each row, ≥ 0, in units of `inference.Units`.
    relative : array [N]
        e / (e + s) of each row, from 0 to 1, with its error e and its mean square s in the same units.
    distances : array [N]
        Mean squared distance of each row from the model's centre, ≥ 0, in units of the scaled columns.
    active : array [N]
        The number of active latents of each row.
    fvu : float
        The fraction of variance unexplained of all rows together.
    """

    errors: Array
    relative: Array
    distances: Array
    active: Array
    fvu: float

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.errors)

    @property
    def fvu_error(self) -> float:
        """The standard error of the FVU, from the rows' errors; their variance is taken as known."""
        mean = self.errors.mean()
        return self.fvu * standard_error(self.errors) / float(mean) if mean > 0 else 0.0

    @property
    def l0(self) -> float:
        """The mean number of active latents."""
        return float(self.active.mean())

    @property
    def l0_error(self) -> float:
        """The standard error of `l0`."""
        return standard_error(self.active)


@dataclass(frozen=True)
class Remembered:
    """What a fit remembers of the numbers of some rows.

    Parameters
    ----------
    kind : {"held-out", "training"}
        Whether the model was trained on these rows.
    count : int
        Their number.
    fvu, fvu_error : float
        Their fraction of variance unexplained, and its standard error.
    l0, l0_error : float
        Their mean number of active latents, and its standard error.
    relative, distances, active : tuple of 100 floats
        Quantiles of the numbers of `RowScores`, at the levels 0.01, 0.02, … 1.

    Raises
    ------
    ValueError
        A number is impossible.
    """

    kind: Literal["held-out", "training"]
    count: int
    fvu: float
    fvu_error: float
    l0: float
    l0_error: float
    relative: tuple[float, ...]
    distances: tuple[float, ...]
    active: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("the count of remembered rows must be 1 or more")
        for quantiles in (self.relative, self.distances, self.active):
            if len(quantiles) != len(LEVELS) or not np.isfinite(quantiles).all() or (np.diff(quantiles) < 0).any():
                raise ValueError(f"remembered quantiles must be {len(LEVELS)} ascending numbers")

    @classmethod
    def of(cls, scores: RowScores, kind: Literal["held-out", "training"]) -> "Remembered | None":
        """Return what is remembered of rows; None without rows, and where a number is not finite."""
        if not scores.count:
            return None
        numbers = (scores.fvu, scores.fvu_error, scores.l0, scores.l0_error)
        samples = (scores.relative, scores.distances, scores.active)
        if not np.isfinite(numbers).all() or not all(np.isfinite(sample).all() for sample in samples):
            return None
        return cls(kind, scores.count, *numbers, *map(quantiles, samples))


def standard_error(values: Array) -> float:
    """Return the standard error of the mean of independent values; infinity for fewer than two.

    Examples
    --------
    >>> standard_error(np.array([0.0, 2.0]))
    1.0
    """
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.inf


def quantiles(values: ArrayLike) -> tuple[float, ...]:
    """Return the 100 quantiles that are remembered of values: each the least one that a share of them reaches.

    Examples
    --------
    >>> quantiles([3.0, 1.0])[48:51]
    (1.0, 1.0, 3.0)
    """
    return tuple(np.quantile(np.asarray(values, np.float64), LEVELS, method="inverted_cdf").tolist())


def share_above(values: Array, remembered: tuple[float, ...], least: float = 0.0) -> float:
    """Return by how much values lie above others whose quantiles are remembered, from 0 to 1.

    Parameters
    ----------
    values : array [N]
        Values ≥ 0.
    remembered : tuple of 100 floats
        As `quantiles` returns them.
    least : float, default=0.0
        Values that differ by less count as equal, as do those whose ratio is within 0.01 of 1.

    Returns
    -------
    float
        The largest difference F(q) - G(q), with F and G the shares of the remembered values and of `values` that are
        at most q: a one-sided statistic of Kolmogorov and Smirnov, or up to 0.01 less.

    Examples
    --------
    >>> share_above(np.array([2.0, 3.0]), quantiles([1.0, 2.5]))
    0.5
    """
    limits = np.maximum(np.multiply(remembered, 1 + TOLERANCE), np.add(remembered, least))
    shares = np.searchsorted(np.sort(values), limits, side="right") / len(values)
    return max(float((LEVELS - shares).max()), 0.0)


def share_below(values: Array, remembered: tuple[float, ...]) -> float:
    """Return by how much values lie below others whose quantiles are remembered, from 0 to 1; see `share_above`.

    Examples
    --------
    >>> share_below(np.array([0.5]), quantiles([1.0])), share_below(np.array([1.0]), quantiles([1.001]))
    (0.99, 0.0)
    """
    shares = np.searchsorted(np.sort(values), np.multiply(remembered, 1 - TOLERANCE), side="left") / len(values)
    return max(float((shares - LEVELS).max()), 0.0)
