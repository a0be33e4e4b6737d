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
        It was trained on pairs: rows whose hidden values the linear model filled in, and what it lacks there.
    """

    linear: FactorModel
    network: DenoisingAutoencoder

    def means(self, X: Array) -> tuple[Array, Array]:
        """Return the linear model's means and the network's corrections of rows, both [N, D]."""
        filled = self.linear.fill(X)
        return filled, self.network.denoise(filled)


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
    hides = hidden.reshape(-1, X.shape[1])
    rows = np.tile(X, (len(hidden), 1))
    filled = linear.fill(np.where(hides, np.nan, rows))
    lacking = np.where(hides, rows - filled, np.nan)
    has_target = np.flatnonzero(hides.any(1))
    if len(has_target) < 2:  # a table of hardly any known values: there is nothing to learn
        has_target, lacking[:] = np.arange(len(rows)), 0.0
    lacking[:, np.isnan(lacking).all(0)] = 0.0  # nor is there for a column that is never hidden
    network.fit(filled[has_target], target=lacking[has_target])
    return Corrected(linear, network)
