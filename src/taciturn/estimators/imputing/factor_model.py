"""The linear part of the imputer: factor analysis of rows with missing values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MAX_FACTORS = 32
MAX_ITER, TOL = 40, 1e-3  # of expectation-maximisation; the covariance's largest change, in standard deviations²
MIN_NOISE = 1e-3  # variance of a column that the factors leave unexplained, as a share of the column's variance
BLOCK_NUMBERS = 1 << 22  # numbers of the second moments of a block of rows
MAX_NUMBERS = 1 << 29  # numbers of all blocks together; of more rows a sample is used


@dataclass(frozen=True)
class FactorModel:
    """A Gaussian model of rows: x = mean + loadings z + noise, with independent z ~ N(0, 1).

    Parameters
    ----------
    mean : ndarray [D]
        The mean.
    loadings : ndarray [D, Q]
        What each factor adds to a row.
    noise : ndarray [D]
        The variance of each column's own noise, > 0.

    Notes
    -----
    The covariance is loadings loadingsᵀ + diag(noise). With D - 1 factors it is nearly any covariance; the noise keeps
    it regular. Given the known entries v of a row, z is normal with the covariance M⁻¹, M = I + Σ_{j∈v} w_j w_jᵀ / ψ_j,
    and the mean M⁻¹ Σ_{j∈v} w_j (x_j - mean_j) / ψ_j: a row costs Q³ whatever its width and its known entries.

    Examples
    --------
    >>> model = FactorModel(np.zeros(2), np.array([[1.0], [1.0]]), np.array([0.5, 0.5]))
    >>> model.fill(np.array([[3.0, np.nan]])).round(6)      # covariance 1, variance 1.5
    array([[3., 2.]])
    """

    mean: Array
    loadings: Array
    noise: Array

    def fill(self, X: Array) -> Array:
        """Return rows [N, D] with each missing value (NaN) replaced by its mean given the row's known values."""
        filled = X.copy()
        for rows, known, precision, scores in self._blocks(X):
            z = np.linalg.solve(precision, scores[:, :, None])[:, :, 0]
            filled[rows] = np.where(known, X[rows], self.mean + z @ self.loadings.T)
        return filled

    def std(self, X: Array) -> Array:
        """Return the standard deviation of each missing value given the row's known ones [N, D]; 0 for known values."""
        deviations = np.zeros_like(X)
        for rows, known, precision, _ in self._blocks(X):
            explained = np.linalg.inv(precision).reshape(len(known), -1) @ self._products.T
            deviations[rows] = np.where(known, 0.0, np.sqrt(self.noise + explained))
        return deviations

    def deviations(self, X: Array, rng: np.random.Generator) -> Array:
        """Return a draw of the missing values minus their means, all of a row together [N, D]; 0 for known values."""
        drawn = np.zeros_like(X)
        for rows, known, precision, scores in self._blocks(X):
            upper = np.linalg.cholesky(precision).transpose(0, 2, 1)
            factors = np.linalg.solve(upper, rng.standard_normal(scores.shape)[:, :, None])[:, :, 0]
            own = np.sqrt(self.noise) * rng.standard_normal(known.shape)
            drawn[rows] = np.where(known, 0.0, factors @ self.loadings.T + own)
        return drawn

    @property
    def _products(self) -> Array:
        """The products of each column's loadings [D, Q²]."""
        return (self.loadings[:, :, None] * self.loadings[:, None, :]).reshape(len(self.loadings), -1)

    def _blocks(self, X: Array) -> Iterator[tuple[slice, Array, Array, Array]]:
        """Yield blocks: the rows, which values are known, M [B, Q, Q], and M times the mean of z [B, Q]."""
        products, n_factors = self._products, self.loadings.shape[1]
        for rows in blocks(len(X), n_factors):
            known = ~np.isnan(X[rows])
            weights = known / self.noise
            precision = (weights @ products).reshape(-1, n_factors, n_factors) + np.eye(n_factors)
            yield rows, known, precision, (np.where(known, X[rows] - self.mean, 0.0) * weights) @ self.loadings


def blocks(n_rows: int, n_factors: int) -> Iterator[slice]:
    """Yield slices of rows whose second moments fit into memory."""
    size = max(BLOCK_NUMBERS // (n_factors + 1) ** 2, 1)
    return (slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size))


def fit_factor_model(
    X: Array, rng: np.random.Generator, *, start: FactorModel | None = None, max_iter: int = MAX_ITER
) -> FactorModel:
    """Return the factor model of rows with missing values, by expectation-maximisation.

    Parameters
    ----------
    X : ndarray [N, D]
        Rows, each column with about the mean 0 and the variance 1; NaN is a missing value.
    rng : numpy.random.Generator
        Draws the sample of rows that is used where there are very many.
    start : FactorModel, optional
        Where to start; by default the principal components of the columns' covariances.
    max_iter : int, default=40
        Most iterations.

    Returns
    -------
    FactorModel
        With D - 1 factors, at least 1 and at most 32.

    Notes
    -----
    Rubin and Thayer (1982), with the sums over a column's known values only. Loadings have the prior N(0, 1): without
    it few rows would be fitted exactly. A column without a known value keeps the mean 0 and small loadings.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((500, 1)) + 0.5 * rng.standard_normal((500, 4))
    >>> model = fit_factor_model(X / X.std(0), rng)
    >>> (model.loadings @ model.loadings.T)[0, 1].round(1)   # the correlation, 1 / 1.25
    np.float64(0.8)
    """
    n_rows, width = X.shape
    n_factors = min(max(width - 1, 1), MAX_FACTORS)
    n_used = max(MAX_NUMBERS // (width * n_factors**2), 64)
    if n_rows > n_used:
        X = X[rng.choice(n_rows, n_used, replace=False)]
    known = ~np.isnan(X)
    model = start or _principal(np.where(known, X, 0.0), known, n_factors)
    prior = np.eye(n_factors + 1)
    prior[-1, -1] = 1e-3  # of the mean: hardly any
    count, squares = known.sum(0), np.where(known, X, 0.0)
    squares = np.square(squares).sum(0)
    for _ in range(max_iter):
        moments, products = _sums(model, X)
        solved = np.linalg.solve(moments + prior * model.noise[:, None, None], products[:, :, None])[:, :, 0]
        explained = np.einsum("dq,dqr,dr->d", solved, moments, solved, optimize=True)
        noise = (squares - 2 * (solved * products).sum(1) + explained + MIN_NOISE) / (count + MIN_NOISE)
        new = FactorModel(solved[:, -1], solved[:, :-1], np.maximum(noise, MIN_NOISE))
        change = np.abs(new.loadings @ new.loadings.T - model.loadings @ model.loadings.T).max()
        model = new
        if change < TOL:
            break
    return model


def _principal(X: Array, known: Array, n_factors: int) -> FactorModel:
    """Return the model of the principal components, for rows with 0 for missing values."""
    together = np.maximum(known.T.astype(float) @ known, 1)
    values, vectors = np.linalg.eigh(X.T @ X / together)
    loadings = vectors[:, ::-1][:, :n_factors] * np.sqrt(np.maximum(values[::-1][:n_factors], MIN_NOISE))
    return FactorModel(np.zeros(X.shape[1]), loadings, np.maximum(1 - np.square(loadings).sum(1), 0.1))


def _sums(model: FactorModel, X: Array) -> tuple[Array, Array]:
    """Return, for each column, the sums over its known values of E[z zᵀ] [D, Q+1, Q+1] and of x E[z] [D, Q+1].

    z has a last entry of 1, whose loading is the mean.
    """
    width, n_factors = model.loadings.shape
    moments, products = np.zeros((width, (n_factors + 1) ** 2)), np.zeros((width, n_factors + 1))
    for rows, known, precision, scores in model._blocks(X):
        covariance = np.linalg.inv(precision)
        z = np.column_stack([np.einsum("nqr,nr->nq", covariance, scores), np.ones(len(scores))])
        second = z[:, :, None] * z[:, None, :]
        second[:, :-1, :-1] += covariance
        moments += known.T.astype(float) @ second.reshape(len(z), -1)
        products += np.where(known, X[rows], 0.0).T @ z
    return moments.reshape(width, n_factors + 1, n_factors + 1), products
