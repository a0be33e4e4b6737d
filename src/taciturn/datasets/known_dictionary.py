"""Synthetic rows that are sparse sums of known directions, with which a trained dictionary can be compared."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import RecipeError
from .hierarchy import Floats, Hierarchy

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class KnownDictionary:
    """Synthetic rows and their parts: rows = activations @ features + noise.

    Attributes
    ----------
    rows : array of shape [N, D], float32
    features : array of shape [F, D], float32
        Each feature's direction, of norm 1.
    activations : SciPy CSR array of shape [N, F], float32
        The features' coefficients in each row: above 0 where a feature fires, not stored elsewhere.
    rates : array of shape [F], float64
        Each feature's firing rate: the share of all rows in which it fires, as an expectation.
    parents : array of shape [F], int
        Each feature's parent, without which it never fires; -1 where there is none.
    """

    rows: NDArray[np.float32]
    features: NDArray[np.float32]
    activations: "csr_array[Any, Any]"
    rates: Floats
    parents: NDArray[np.intp]


def known_dictionary(
    n_rows: int,
    n_features: int,
    n_inputs: int,
    *,
    active: float | None = None,
    zipf: float = 0.0,
    rates: ArrayLike | None = None,
    magnitude: float = 1.0,
    magnitude_std: float = 0.0,
    correlation: float = 0.0,
    rank: int = 16,
    hierarchy: Hierarchy | None = None,
    noise: float = 0.0,
    start: int = 0,
    random_state: int = 0,
) -> KnownDictionary:
    """Return synthetic rows x = Σ_f a_f D_f + noise, in which each feature f fires at a known rate.

    The directions D_f are random and of norm 1. A feature that fires has the activation
    a = |N(magnitude, magnitude_std²)|, a folded normal distribution; its mean is `magnitude` as long as the standard
    deviation is a third of it or less.

    Parameters
    ----------
    n_rows, n_features, n_inputs : int
        N, F and D, 1 or more each. If F exceeds D, the features are in superposition.
    active : float
        Mean number of features that fire in a row: the sum of the rates. Required unless `rates` is given.
    zipf : float, default=0
        The rate of feature f is proportional to (f + 1)^-zipf; 0 gives equal rates.
    rates : array of shape [n_features]
        Each feature's rate, in (0, 1), instead of `active` and `zipf`.
    magnitude, magnitude_std : float, default=1, 0
        Parameters of the activations' distribution, 0 or more, not both 0.
    correlation : float, default=0
        In [0, 1): the largest correlation, of either sign, that the Gaussian draws of two features can have. A feature
        fires where its draw passes the quantile of its rate, so that the rates do not change.
    rank : int, default=16
        Number of common factors that make the correlations. With r factors, the correlation of a pair is about
        correlation / sqrt(r); with one it is ± correlation. SAELens' `correlation_scale` s corresponds to
        correlation = rank · s².
    hierarchy : Hierarchy, optional
        Lets children fire only with their parents. The rates that `active` and `zipf` give to children are lowered to
        what `Hierarchy.share` allows, then all rates are scaled to sum to `active`. Given `rates` do not change; they
        are refused if a parent's rate is too low. Features of one level are correlated; a child inherits its parent's
        correlations.
    noise : float, default=0
        Standard deviation of the Gaussian noise of each input, 0 or more.
    start : int, default=0
        Number of the first row in an endless sequence that `random_state` determines. Use another start for test rows,
        or to make many rows part by part: a row does not depend on how many are requested.
    random_state : int, default=0
        Seed of all draws.

    Returns
    -------
    KnownDictionary

    Raises
    ------
    RecipeError
        A parameter is out of its range, or parameters do not fit each other.

    Examples
    --------
    >>> known = known_dictionary(1000, 64, 32, active=3, zipf=0.5)
    >>> known.rows.shape, known.features.shape, known.activations.shape
    ((1000, 32), (64, 32), (1000, 64))
    >>> f"{known.rates.sum():.2f} features per row expected, {known.activations.nnz / 1000:.2f} fire"
    '3.00 features per row expected, 2.99 fire'
    >>> bool(np.all(known.rows == known.activations @ known.features))
    True
    """
    _check_counts(n_rows=n_rows, n_features=n_features, n_inputs=n_inputs, rank=rank)
    _check_counts(0, start=start, random_state=random_state)
    _check_numbers(magnitude=magnitude, magnitude_std=magnitude_std, noise=noise, zipf=zipf)
    if magnitude == magnitude_std == 0:
        raise RecipeError("magnitude=0 and magnitude_std=0 make every activation 0; raise one of them")
    if not 0 <= correlation < 1:
        raise RecipeError(f"correlation={correlation} lies outside [0, 1)")
    parents = hierarchy.parents(n_features) if hierarchy else np.full(n_features, -1, np.intp)
    rates_F = _rates(n_features, active, zipf, rates, hierarchy)

    from . import draws

    stop = start + n_rows
    features_FD = draws.directions(n_features, n_inputs, random_state)
    firing = draws.firing(rates_F, parents, hierarchy, correlation, rank, random_state)
    activations_NF = draws.activations(firing, start, stop, magnitude, magnitude_std)
    rows_ND = activations_NF @ features_FD
    if noise:
        rows_ND += np.float32(noise) * draws.noise(start, stop, n_inputs, random_state)
    return KnownDictionary(rows_ND, features_FD, activations_NF, rates_F, parents)


def _rates(
    n_features: int, active: float | None, zipf: float, rates: ArrayLike | None, hierarchy: Hierarchy | None
) -> Floats:
    """Return each feature's rate [F]: `rates` itself, or what `active`, `zipf` and the hierarchy give."""
    if (active is None) == (rates is None) or (rates is not None and zipf):
        raise RecipeError(
            "give active= (mean features per row), with zipf= or without, or rates= (one per feature), not both"
        )
    if rates is not None:
        rates_F = np.array(rates, np.float64)
        if rates_F.shape != (n_features,):
            raise RecipeError(f"rates has shape {rates_F.shape}; n_features={n_features} requires ({n_features},)")
        for feature in np.flatnonzero(~((rates_F > 0) & (rates_F < 1)))[:1]:
            raise RecipeError(f"rates: feature {feature} has rate {rates_F[feature]:g}, which lies outside (0, 1)")
        if hierarchy:
            hierarchy.check(rates_F)
        return rates_F
    if active is None or not active > 0:
        raise RecipeError(f"active={active} must be above 0")
    rates_F = np.arange(1, n_features + 1, dtype=np.float64) ** -zipf
    if hierarchy:
        rates_F = hierarchy.lower(rates_F)
    rates_F *= active / rates_F.sum()
    if rates_F.max() >= 1:
        raise RecipeError(
            f"active={active} gives feature {rates_F.argmax()} the rate {rates_F.max():.3g}, which must be below 1; "
            "lower active or zipf, or raise n_features"
        )
    return rates_F


def _check_counts(least: int = 1, **counts: int) -> None:
    for name, count in counts.items():
        if not isinstance(count, int | np.integer) or isinstance(count, bool) or count < least:
            raise RecipeError(f"{name}={count!r} must be a whole number, {least} or more")


def _check_numbers(**numbers: float) -> None:
    for name, number in numbers.items():
        if not (0 <= number < math.inf):
            raise RecipeError(f"{name}={number} must be a finite number, 0 or more")
