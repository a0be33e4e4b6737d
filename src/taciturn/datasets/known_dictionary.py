"""Rows of which the features are known: sums of few directions, so that what a dictionary found can be judged."""

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
    """Rows and all that they were made of: rows = activations @ features + noise.

    Attributes
    ----------
    rows : array of shape [N, D], float32
    features : array of shape [F, D], float32
        Each feature's direction, of length 1.
    activations : SciPy CSR array of shape [N, F], float32
        How strongly each feature speaks in each row: above 0 where it fires, else not stored.
    rates : array of shape [F], float64
        In which share of all rows each feature fires.
    parents : array of shape [F]
        The feature without which a feature never fires; -1 where there is none.
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
    """Return rows x = Σ_f a_f D_f + noise, in which each feature f fires in a known share of the rows.

    The directions D_f are random, of length 1. A feature that fires says a = |N(magnitude, magnitude_std²)|, the
    folded normal distribution, whose mean is `magnitude` as long as the standard deviation is a third of it or less.

    Parameters
    ----------
    n_rows, n_features, n_inputs : int
        N, F and D. More features than inputs lie in superposition.
    active : float
        How many features fire in a row, on average: the rates' sum.
    zipf : float
        Feature f's rate is proportional to (f + 1)^-zipf; 0 gives all the same.
    rates : array of shape [n_features]
        Each feature's rate, within (0, 1), in place of `active` and `zipf`.
    magnitude, magnitude_std : float
        How strongly features speak.
    correlation : float
        Within [0, 1): the largest correlation, of either sign, that two features' Gaussian draws can have. A feature
        fires where its draw passes its rate's quantile, so that rates stay as asked.
    rank : int
        How many hidden causes make the correlations: with r of them a pair's is about correlation / sqrt(r), with 1
        it is ± correlation. SAELens' `correlation_scale` s corresponds to correlation = rank · s².
    hierarchy : Hierarchy, optional
        Lets children fire only with their parents. Rates that `active` and `zipf` give to children are lowered to
        what `Hierarchy.share` leaves them before all are scaled to sum to `active`; written `rates` are kept, or
        refused where a parent's is too low. Features of one level are correlated; a child inherits its parent's.
    noise : float
        The standard deviation of the Gaussian noise of each input.
    start : int
        The first row's number in an endless sequence that `random_state` fixes: rows to test on have another start,
        and many rows can be made part by part. A row does not depend on how many are asked for.
    random_state : int
        The seed of everything.

    Returns
    -------
    KnownDictionary

    Examples
    --------
    >>> known = known_dictionary(1000, 64, 32, active=3, zipf=0.5)
    >>> known.rows.shape, known.features.shape, known.activations.shape
    ((1000, 32), (64, 32), (1000, 64))
    >>> f"{known.rates.sum():.2f} features a row are asked for, {known.activations.nnz / 1000:.2f} fire"
    '3.00 features a row are asked for, 2.99 fire'
    >>> bool(np.all(known.rows == known.activations @ known.features))
    True
    """
    _check_counts(n_rows=n_rows, n_features=n_features, n_inputs=n_inputs, rank=rank)
    _check_counts(0, start=start, random_state=random_state)
    _check_numbers(magnitude=magnitude, magnitude_std=magnitude_std, noise=noise, zipf=zipf)
    if magnitude == magnitude_std == 0:
        raise RecipeError("magnitude=0 and magnitude_std=0 let no feature say anything; raise one")
    if not 0 <= correlation < 1:
        raise RecipeError(f"correlation={correlation} lies outside [0, 1)")
    parents = hierarchy.parents(n_features) if hierarchy else np.full(n_features, -1, np.intp)
    rates_F = _rates(n_features, active, zipf, rates, hierarchy)

    from . import draws

    stop = start + n_rows
    features_FD = draws.directions(n_features, n_inputs, random_state)
    who = draws.firing(rates_F, parents, hierarchy, correlation, rank, random_state)
    activations_NF = draws.activations(who, start, stop, magnitude, magnitude_std)
    rows_ND = activations_NF @ features_FD
    if noise:
        rows_ND += np.float32(noise) * draws.noise(start, stop, n_inputs, random_state)
    return KnownDictionary(rows_ND, features_FD, activations_NF, rates_F, parents)


def _rates(
    n_features: int, active: float | None, zipf: float, rates: ArrayLike | None, hierarchy: Hierarchy | None
) -> Floats:
    """Return each feature's rate [F], as written or as `active` and `zipf` give it."""
    if (active is None) == (rates is None) or (rates is not None and zipf):
        raise RecipeError("give active= (features a row), with zipf= or without, or rates= (each feature's), not both")
    if rates is not None:
        rates_F = np.array(rates, np.float64)
        if rates_F.shape != (n_features,):
            raise RecipeError(f"rates has shape {rates_F.shape}; n_features={n_features} asks for ({n_features},)")
        for feature in np.flatnonzero(~((rates_F > 0) & (rates_F < 1)))[:1]:
            raise RecipeError(f"rates: feature {feature}'s, {rates_F[feature]:g}, lies outside (0, 1)")
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
            f"active={active} asks feature {rates_F.argmax()} to fire in {rates_F.max():.3g} of the rows, which must "
            "stay below 1; lower active or zipf, or raise n_features"
        )
    return rates_F


def _check_counts(least: int = 1, **counts: int) -> None:
    for name, count in counts.items():
        if not isinstance(count, int | np.integer) or isinstance(count, bool) or count < least:
            raise RecipeError(f"{name}={count!r} must be a whole number from {least} on")


def _check_numbers(**numbers: float) -> None:
    for name, number in numbers.items():
        if not (0 <= number < math.inf):
            raise RecipeError(f"{name}={number} must be a finite number from 0 on")
