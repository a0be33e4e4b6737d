"""Feature absorption: a child's latent carries its parent feature while the parent's own latent is inactive."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, RecipeError
from .arrays import Floats, finite_matrix, is_active, to_csc
from .matching import Matching, matched, nearest

if TYPE_CHECKING:
    from scipy.sparse import csc_array


@dataclass(frozen=True, eq=False)
class Absorption:
    """Absorption rates of P parent features: those active in some row and with a latent matched to them.

    Attributes
    ----------
    parents : array [P] of int
        The features' indices, ascending.
    rates : array [P], float64
        Share of the parent's active rows in which it is absorbed, from 0 to 1.
    silent : array [P], float64
        Share of the parent's active rows in which its latent is inactive, absorbed or not, from 0 to 1. At least
        `rates`.
    """

    parents: NDArray[np.intp]
    rates: Floats
    silent: Floats

    @property
    def mean(self) -> float:
        """The mean rate over the parents, from 0 to 1; 0 without parents."""
        return float(self.rates.mean()) if len(self.rates) else 0.0


def absorption(
    codes: Any,
    activations: Any,
    found: Any,
    truth: Any,
    parents: Any,
    *,
    share: float = 0.4,
    pairs: Matching | None = None,
) -> Absorption:
    """Return how often a parent feature is carried by a child's latent while its own latent is inactive.

    Parameters
    ----------
    codes : array or SciPy sparse array of shape [N, L]
        Codes of N rows; a latent is active where its code is not 0.
    activations : array or SciPy sparse array of shape [N, n]
        The true features' activations in the same rows.
    found : array of shape [L, D]
        The decoder's rows W in the units of the rows. They are not normalised: code times row is what the latent
        adds to the reconstruction.
    truth : array of shape [n, D]
        The true features D, of norm 1.
    parents : array of shape [n]
        Each feature's parent, -1 where it has none.
    share : float, default=0.4
        The part of the parent's activation that a latent must carry, in (0, 1].
    pairs : Matching, optional
        Which latent stands for which feature; `matched(found, truth)` by default.

    Returns
    -------
    Absorption
        Rates of the parents that are active in some row and have a matched latent.

    Raises
    ------
    RecipeError
        If `share` lies outside (0, 1].
    DataError
        If the shapes do not fit, an array is not finite, or a feature is its own ancestor.

    Notes
    -----
    The full absorption of Chanin et al. (2024) and SAEBench, with known features in place of their probe. In a row in
    which parent p is active with activation a_p, p is absorbed if

    1. the latent matched to p is inactive (its code is 0), and
    2. some latent l that stands for a descendant c of p, c being active in this row, carries p's direction:
       code_l (W_l · D_p) ≥ share · a_p. Latent l stands for c if it is matched to c or c is its nearest feature.

    The authors' second condition is different: the latent with the largest such product, among all latents, must have
    a cosine of at least 0.025 with the probe and 0.4 of the row's projection on it.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.eye(2)                                   # feature 1 is the child of feature 0
    >>> found = np.array([[1.0, 0.0], [1.0, 1.0]])          # the child's latent holds both directions
    >>> activations = np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> codes = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> absorption(codes, activations, found, truth, [-1, 0]).rates.tolist()
    [0.5]
    """
    found, truth, parents = finite_matrix(found, "found"), finite_matrix(truth, "truth"), np.asarray(parents)
    codes_NL, activations_Nn = to_csc(codes, "codes"), to_csc(activations, "activations")
    active_Nn = is_active(activations, "activations")
    _check(codes_NL.shape, activations_Nn.shape, found, truth, parents, share)
    pairs = matched(found, truth) if pairs is None else pairs
    pairs.check(len(found), len(truth))
    latent_of = dict(zip(pairs.truth.tolist(), pairs.found.tolist(), strict=True))
    closest = nearest(found, truth)
    latents, features = np.unique(
        np.concatenate([[pairs.found, pairs.truth], [closest.found, closest.truth]], axis=1), axis=1
    )  # which latent stands for which feature, each pair once
    measured, rates, inactive_shares = [], [], []
    for parent in np.unique(parents[parents >= 0]).tolist():
        rows, amounts = _column(activations_Nn, parent)
        if parent not in latent_of or not len(rows):
            continue
        inactive = ~np.isin(rows, _column(codes_NL, latent_of[parent])[0])
        below = _descendants(parent, parents)[features]
        carried = codes_NL[:, latents[below]].multiply(found[latents[below]] @ truth[parent])
        carried = carried.multiply(active_Nn[:, features[below]]).tocoo()
        largest_N = np.zeros(codes_NL.shape[0])
        np.maximum.at(largest_N, carried.row, carried.data)
        measured.append(parent)
        inactive_shares.append(inactive.mean())
        rates.append((inactive & (largest_N[rows] >= share * amounts)).mean())
    return Absorption(np.array(measured, np.intp), np.array(rates), np.array(inactive_shares))


def _column(matrix: "csc_array[Any]", column: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the rows in which a column is not 0, and its values there."""
    entries = slice(matrix.indptr[column], matrix.indptr[column + 1])
    return matrix.indices[entries].astype(np.intp), matrix.data[entries]


def _descendants(feature: int, parents: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which features are descendants of a feature, at any depth [n]."""
    below = np.asarray(parents == feature)
    while True:
        deeper = below | (below[parents] & (parents >= 0))
        if np.array_equal(deeper, below):
            return below
        below = deeper


def _check(
    codes: tuple[int, ...],
    activations: tuple[int, ...],
    found: Floats,
    truth: Floats,
    parents: NDArray[np.intp],
    share: float,
) -> None:
    """Raise an error unless all arrays have the same rows, latents and features."""
    if not 0 < share <= 1:
        raise RecipeError(f"share={share} lies outside (0, 1]")
    if codes != (activations[0], len(found)) or activations[1] != len(truth) or parents.shape != (len(truth),):
        raise DataError(
            f"codes {codes}, activations {activations}, found {found.shape}, truth {truth.shape} and parents "
            f"{parents.shape} do not fit; give [N, L], [N, n], [L, D], [n, D] and [n]"
        )
    n = len(truth)
    if parents.dtype.kind not in "iu" or parents.min() < -1 or parents.max() >= n:
        raise DataError(f"parents must be whole numbers from -1 (none) to {n - 1}, the number of the last feature")
    ancestors = np.append(np.where(parents < 0, n, parents), n)  # row n is "none", its own ancestor
    for _ in range(n.bit_length()):
        ancestors = ancestors[ancestors]
    if len(circular := np.flatnonzero(ancestors[:n] < n)):
        raise DataError(f"parents are circular: feature {ancestors[circular[0]]} is its own ancestor; give a tree")
