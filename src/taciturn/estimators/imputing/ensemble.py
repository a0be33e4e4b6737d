"""Several corrected linear models, each trained without a part of the rows, by which the others are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from ..denoising import DenoisingAutoencoder
from .corrected import Corrected, fit_corrected
from .draws import Draws, fit_draws
from .factor_model import fit_factor_model

Array = NDArray[Any]

PAIRS, MAX_COPIES = 10_000, 16  # rows with hidden values that all networks share, and copies of each row
MAX_JUDGED = 0.3  # share of a row that is hidden; with more, its errors are not those of the rows as they are
MAX_NUMBERS = 1 << 24  # numbers of all these rows; of more rows a sample is used


@dataclass(frozen=True)
class Ensemble:
    """Means and draws of the missing values of scaled rows.

    Parameters
    ----------
    members : tuple of Corrected
        The models, two or more.
    belief : ndarray [D]
        The share of the networks' corrections that is added, by column, in [0, 1].
    draws : Draws
        How values deviate from their means.
    """

    members: tuple[Corrected, ...]
    belief: Array
    draws: Draws

    def means(self, X: Array) -> Array:
        """Return rows [N, D] with each missing value (NaN) replaced by its mean over the models."""
        return np.where(np.isnan(X), np.mean(self._estimates(X), axis=0), X)

    def drawn(self, X: Array, n_draws: int, rng: np.random.Generator) -> list[Array]:
        """Return rows [N, D] with each missing value replaced by a draw, `n_draws` times.

        Notes
        -----
        The models are a jackknife by groups: the variance of their mean is (K - 1) / K Σ (estimate_k - mean)². A draw
        moves the mean by sqrt((K - 1) / K) Σ g_k (estimate_k - mean), g_k ~ N(0, 1), the same g in all rows: a draw of
        the model. Then each missing value deviates by a draw of `Draws`.
        """
        estimates = self._estimates(X)
        mean, size = estimates.mean(0), len(estimates)
        tables = []
        for _ in range(n_draws):
            weights = rng.standard_normal(size) * np.sqrt((size - 1) / size)
            model = mean + np.tensordot(weights, estimates - mean, 1)
            tables.append(np.where(np.isnan(X), model + self.draws.deviations(X, rng), X))
        return tables

    def _estimates(self, X: Array) -> Array:
        """Return each model's estimates of rows [K, N, D]."""
        means = (member.means(X) for member in self.members)
        return np.stack([linear + self.belief * correction for linear, correction in means])


def fit_ensemble(
    X: Array,
    network: DenoisingAutoencoder,
    n_networks: int,
    rng: np.random.Generator,
    *,
    variable_of: NDArray[np.intp] | None = None,
) -> Ensemble:
    """Return the models of rows.

    Parameters
    ----------
    X : ndarray [N, D]
        Two or more rows, each column with about the mean 0 and the variance 1; NaN is a missing value.
    network : DenoisingAutoencoder
        It is cloned for each model.
    n_networks : int
        Number of models K, 2 or more; with fewer rows as many as rows.
    rng : numpy.random.Generator
        Draws the parts, the hidden values and the networks' seeds.
    variable_of : ndarray [D] of int, optional
        The number of each column's variable, 0, 1, …; by default each column is one. The columns of a variable, such as
        those of a category's levels, are hidden together, as they are missing together.

    Returns
    -------
    Ensemble

    Notes
    -----
    For each copy of a row a share of its known variables is hidden that is uniform in [0, 1]. Each model is trained on
    the rows outside its part, and measured on those in it. With its correction c of the hidden values and what the
    linear model lacks there, y, a column's belief is Σ c y / Σ c², between 0 and 1.
    """
    n_rows, width = X.shape
    if n_rows * width > MAX_NUMBERS:
        n_rows = max(MAX_NUMBERS // width, 2)
        X = X[rng.choice(len(X), n_rows, replace=False)]
    copies = min(max(round(PAIRS / n_rows), 1), MAX_COPIES)
    shares = rng.random((copies, n_rows, 1))
    variable_of = np.arange(width) if variable_of is None else variable_of
    hidden = (rng.random((copies, n_rows, variable_of[-1] + 1)) < shares)[:, :, variable_of] & ~np.isnan(X)
    seen = np.where(hidden, np.nan, X)
    lacking, corrections = np.zeros_like(seen), np.zeros_like(seen)
    linear = fit_factor_model(X, rng)
    parts = rng.permutation(n_rows) % min(n_networks, n_rows)
    members = []
    for part in range(parts.max() + 1):
        training, held_out = parts != part, parts == part
        one = clone(network).set_params(random_state=int(rng.integers(2**31)))
        member = fit_corrected(X[training], hidden[:, training], linear, one, rng)
        estimates, correction = member.means(seen[:, held_out].reshape(-1, width))
        lacking[:, held_out] = X[held_out] - estimates.reshape(copies, -1, width)
        corrections[:, held_out] = correction.reshape(copies, -1, width)
        members.append(member)
    lacking, corrections = np.where(hidden, lacking, 0.0), np.where(hidden, corrections, 0.0)
    power = np.square(corrections).sum((0, 1))
    share = np.divide((lacking * corrections).sum((0, 1)), power, out=np.zeros(width), where=power > 0)
    belief = np.clip(share, 0.0, 1.0)
    judged = hidden & (shares < MAX_JUDGED)
    errors = np.where(judged, lacking - belief * corrections, np.nan).reshape(-1, width)
    return Ensemble(tuple(members), belief, fit_draws(linear, errors, linear.std(seen.reshape(-1, width))))
