"""Draws of missing values around their means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from .factor_model import FactorModel

Array = NDArray[Any]

LEVELS = 256  # of a column's table of quantiles


@dataclass(frozen=True)
class Draws:
    """What missing values deviate from their means by: the one place that knows how a variable is drawn.

    Parameters
    ----------
    linear : FactorModel
        It tells how uncertain each missing value is, given the known ones of its row, and how those of a row go
        together.
    quantiles : ndarray [D, 256]
        Of each column's errors on values that were hidden from the networks, divided by the standard deviation that
        the factor model has for them; in ascending order.

    Notes
    -----
    A draw g of the factor model, divided by its standard deviation s, is N(0, 1). The deviation is s Q(Φ(g / s)) with
    the column's quantile function Q: it has the shape of the column's errors, the scale of the row and the
    correlations of the factor model (a Gaussian copula).
    """

    linear: FactorModel
    quantiles: Array

    def deviations(self, X: Array, rng: np.random.Generator) -> Array:
        """Return one draw for each missing value of rows [N, D]; 0 for known values."""
        std = self.linear.std(X)
        drawn = np.divide(self.linear.deviations(X, rng), std, out=np.zeros_like(std), where=std > 0)
        levels = (np.arange(LEVELS) + 0.5) / LEVELS
        for column, quantiles in enumerate(self.quantiles):
            missing = std[:, column] > 0
            drawn[missing, column] = np.interp(ndtr(drawn[missing, column]), levels, quantiles)
        return drawn * std


def fit_draws(linear: FactorModel, errors: Array, std: Array) -> Draws:
    """Return the draws for errors [N, D] of hidden values, NaN for all others, and the linear model's deviations.

    A column without any error has the quantiles of the normal distribution.
    """
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    quantiles = np.empty((errors.shape[1], LEVELS))
    for column, (error, deviation) in enumerate(zip(errors.T, std.T, strict=True)):
        judged = ~np.isnan(error)
        ratios = error[judged] / deviation[judged]
        quantiles[column] = np.quantile(ratios, levels) if judged.any() else ndtri(levels)
    return Draws(linear, quantiles)
