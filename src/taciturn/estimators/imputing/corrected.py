"""A factor model and the denoising autoencoder that corrects it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..denoising import DenoisingAutoencoder
from .factor_model import FactorModel, fit_factor_model

Array = NDArray[Any]

FEW_ITERATIONS = 10  # of a factor model that starts from that of all rows


@dataclass(frozen=True)
class Corrected:
    """The means of missing values: those of a factor model plus what a network adds to them.

    Parameters
    ----------
    linear : FactorModel
        The linear model.
    network : DenoisingAutoencoder
        It was trained on pairs: rows with hidden values, filled by the linear model, beside which values are hidden
        [N, 2 D], and what the linear model lacks [N, 2 D], of which the second half is not judged.
    """

    linear: FactorModel
    network: DenoisingAutoencoder

    def means(self, X: Array) -> tuple[Array, Array]:
        """Return the linear model's means and the network's corrections of rows, both [N, D]."""
        filled = self.linear.fill(X)
        return filled, self.network.denoise(network_input(X, filled))[:, : X.shape[1]]


def network_input(X: Array, filled: Array) -> Array:
    """Return the rows that a network receives [N, 2 D]: the filled rows, and which of their values were missing."""
    return np.hstack([filled, np.isnan(X)])


def fit_corrected(
    X: Array, hidden: Array, start: FactorModel, network: DenoisingAutoencoder, rng: np.random.Generator
) -> Corrected:
    """Return the model of rows.

    Parameters
    ----------
    X : ndarray [N, D]
        Rows, each column with about the mean 0 and the variance 1; NaN is a missing value.
    hidden : ndarray [copies, N, D] of bool
        Which known values to hide from the network, in each copy of the rows. They are its targets.
    start : FactorModel
        Where to start the linear model.
    network : DenoisingAutoencoder
        Not fitted yet.
    rng : numpy.random.Generator
        See `fit_factor_model`.

    Returns
    -------
    Corrected
    """
    linear = fit_factor_model(X, rng, start=start, max_iter=FEW_ITERATIONS)
    width = X.shape[1]
    rows, hides = np.tile(X, (len(hidden), 1)), hidden.reshape(-1, width)
    seen = np.where(hides, np.nan, rows)
    filled = linear.fill(seen)
    lacking = np.where(hides, rows - filled, np.nan)
    targets = np.hstack([lacking, np.full_like(lacking, np.nan)])
    targets[0, np.isnan(targets).all(0)] = 0.0  # a column without any target is refused
    network.fit(network_input(seen, filled), target=targets)
    return Corrected(linear, network)
