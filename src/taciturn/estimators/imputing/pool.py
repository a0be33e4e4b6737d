"""Rubin's rules: one estimate from those of several completed tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from ...core.errors import DataError, RecipeError

Array = NDArray[Any]


@dataclass(frozen=True)
class Pooled:
    """An estimate from several completed tables; each attribute has the shape of one estimate.

    Parameters
    ----------
    estimate : ndarray
        The mean of the tables' estimates.
    within, between : ndarray
        The mean of the tables' variances, and the variance between their estimates.
    variance : ndarray
        The total variance: within + (1 + 1/m) between.
    degrees_of_freedom : ndarray
        Of the t distribution of (estimate - truth) / sqrt(variance).
    missing_information : ndarray
        The share of the total variance that is due to the missing values, (1 + 1/m) between / variance, in [0, 1].
    """

    estimate: Array
    within: Array
    between: Array
    variance: Array
    degrees_of_freedom: Array
    missing_information: Array

    @property
    def standard_error(self) -> Array:
        """The square root of the total variance."""
        error: Array = np.sqrt(self.variance)
        return error

    def interval(self, confidence: float = 0.95) -> tuple[Array, Array]:
        """Return the lower and the upper end of the confidence interval, of the confidence 0 … 1.

        Raises
        ------
        RecipeError
            `confidence` does not lie between 0 and 1.
        """
        if not 0 < confidence < 1:
            raise RecipeError(f"confidence={confidence!r} must lie between 0 and 1")
        half = t.ppf((1 + confidence) / 2, self.degrees_of_freedom) * self.standard_error
        return self.estimate - half, self.estimate + half


def pool(estimates: ArrayLike, variances: ArrayLike, *, complete_degrees_of_freedom: float | None = None) -> Pooled:
    """Return one estimate from those of several completed tables, by Rubin's rules.

    Parameters
    ----------
    estimates : array-like [m] or [m, …]
        The estimate of each table, such as a mean or the coefficients of a regression; two or more.
    variances : array-like, of the same shape
        The squared standard error of each estimate, ≥ 0.
    complete_degrees_of_freedom : float, optional
        Those that the estimate would have without missing values, > 0, such as rows minus coefficients; with it the
        degrees of freedom are those of Barnard and Rubin (1999), which hold for few rows too. None: many rows.

    Returns
    -------
    Pooled

    Raises
    ------
    DataError
        There are fewer than two estimates, not one variance for each, or one is negative or not finite.
    RecipeError
        `complete_degrees_of_freedom` is not positive.

    Notes
    -----
    Rubin (1987): with the mean Ū of the variances and the variance B of the estimates, T = Ū + (1 + 1/m) B and
    ν = (m - 1) / λ², λ = (1 + 1/m) B / T. Barnard and Rubin (1999): 1 / (1 / ν + 1 / ν̂) with
    ν̂ = (ν_c + 1) / (ν_c + 3) · ν_c (1 - λ), for ν_c complete degrees of freedom.

    Examples
    --------
    >>> pooled = pool([10.0, 11.0, 12.0], [4.0, 4.0, 4.0])
    >>> float(pooled.estimate), float(pooled.variance.round(3)), float(pooled.degrees_of_freedom)
    (11.0, 5.333, 32.0)
    >>> [float(end.round(1)) for end in pooled.interval(0.95)]
    [6.3, 15.7]
    """
    q, u = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    if q.ndim == 0 or len(q) < 2:
        raise DataError("estimates: give those of two or more completed tables")
    if q.shape != u.shape:
        raise DataError(f"variances have shape {list(u.shape)}, but estimates {list(q.shape)}; give one for each")
    if not (np.isfinite(q).all() and np.isfinite(u).all() and (u >= 0).all()):
        raise DataError("estimates must be finite, and variances finite and not negative; give squared standard errors")
    complete = np.inf if complete_degrees_of_freedom is None else complete_degrees_of_freedom
    if not complete > 0:
        raise RecipeError(f"complete_degrees_of_freedom={complete!r} must be a number > 0")
    m = len(q)
    within, between = u.mean(0), q.var(0, ddof=1)
    added = (1 + 1 / m) * between
    variance = within + added
    share = np.divide(added, variance, out=np.zeros_like(variance), where=variance > 0)[()]
    with np.errstate(divide="ignore"):
        # 1 / ν, which is 0 where no information is missing
        inverse = np.square(share) / (m - 1)
        if np.isfinite(complete):
            inverse = inverse + 1 / ((complete + 1) / (complete + 3) * complete * (1 - share))
        degrees = 1 / inverse
    return Pooled(q.mean(0), within, between, variance, degrees, share)
