"""Whether children's latents speak for their parents."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, RecipeError
from .arrays import Floats, columns, fires, table
from .matching import Matching, matched, nearest

if TYPE_CHECKING:
    from scipy.sparse import csc_array


@dataclass(frozen=True, eq=False)
class Absorption:
    """Of each parent that fires in some row and has a latent matched to it, in ascending order [P]."""

    parents: NDArray[np.intp]  # the features
    rates: Floats  # in which share of its rows it is absorbed
    silent: Floats  # in which share of its rows its latent is silent, absorbed or not

    @property
    def mean(self) -> float:
        """The mean rate over the parents; 0 of none."""
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
    """Return in which share of the rows where a parent is active a child's latent speaks in its place.

    The full absorption of Chanin et al. (2024) and SAEBench, with known features in the place of their probe. Of a
    row in which parent p is active with a_p, p is absorbed if

    1. the latent matched to p is silent (its code is 0), and
    2. some latent l that stands for a descendant c of p, c being active in this row, carries p's direction:
       code_l (W_l · D_p) ≥ share · a_p. It stands for c if it is matched to c or c is its nearest feature.

    They ask instead that the latent with the largest such product, of all latents, has a cosine of 0.025 or more
    with the probe and 0.4 of the row's projection on it.

    Parameters
    ----------
    codes : array or SciPy sparse array of shape [N, L]
    activations : array or SciPy sparse array of shape [N, n]
        The true features' activations in the same rows.
    found : array of shape [L, D]
        The decoder's rows W in the units of the rows: not set to length 1, since code times row is what is carried.
    truth : array of shape [n, D]
        The true features D, of length 1.
    parents : array of shape [n]
        Each feature's parent, -1 where it has none.
    share : float
        The part of the parent's activation that must be carried, within (0, 1].
    pairs : Matching, optional
        What stands for what; else `matched(found, truth)`.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.eye(2)                                   # feature 1 is the child of feature 0
    >>> found = np.array([[1.0, 0.0], [1.0, 1.0]])          # and its latent says both
    >>> activations = np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> codes = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> absorption(codes, activations, found, truth, [-1, 0]).rates.tolist()
    [0.5]
    """
    found, truth, parents = table(found, "found"), table(truth, "truth"), np.asarray(parents)
    codes_NL, active_Nn = columns(codes, "codes"), columns(activations, "activations")
    there_Nn = fires(activations, "activations")
    _check(codes_NL.shape, active_Nn.shape, found, truth, parents, share)
    pairs = matched(found, truth) if pairs is None else pairs
    main, close = dict(zip(pairs.truth.tolist(), pairs.found.tolist(), strict=True)), nearest(found, truth)
    latents, features = np.unique(
        np.concatenate([[pairs.found, pairs.truth], [close.found, close.truth]], axis=1), axis=1
    )  # which latent stands for which feature, each pair once
    kept, rates, silent = [], [], []
    for parent in np.unique(parents[parents >= 0]).tolist():
        rows, amounts = _column(active_Nn, parent)
        if parent not in main or not len(rows):
            continue
        mute = ~np.isin(rows, _column(codes_NL, main[parent])[0])
        below = _descendants(parent, parents)[features]
        carried = codes_NL[:, latents[below]].multiply(found[latents[below]] @ truth[parent])
        carried = carried.multiply(there_Nn[:, features[below]]).tocoo()
        most_N = np.zeros(codes_NL.shape[0])
        np.maximum.at(most_N, carried.row, carried.data)
        kept.append(parent)
        silent.append(mute.mean())
        rates.append((mute & (most_N[rows] >= share * amounts)).mean())
    return Absorption(np.array(kept, np.intp), np.array(rates), np.array(silent))


def _column(table_NC: "csc_array[Any]", column: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the rows in which a column is not 0, and what it says there."""
    inside = slice(table_NC.indptr[column], table_NC.indptr[column + 1])
    return table_NC.indices[inside].astype(np.intp), table_NC.data[inside]


def _descendants(feature: int, parents: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which features lie below one, at any depth [n]."""
    below = np.asarray(parents == feature)
    while True:
        more = below | (below[parents] & (parents >= 0))
        if np.array_equal(more, below):
            return below
        below = more


def _check(
    codes: tuple[int, ...],
    activations: tuple[int, ...],
    found: Floats,
    truth: Floats,
    parents: NDArray[np.intp],
    share: float,
) -> None:
    """Raise an error unless all tables speak of the same rows, latents and features."""
    if not 0 < share <= 1:
        raise RecipeError(f"share={share} lies outside (0, 1]")
    if codes != (activations[0], len(found)) or activations[1] != len(truth) or parents.shape != (len(truth),):
        raise DataError(
            f"codes {codes}, activations {activations}, found {found.shape}, truth {truth.shape} and parents "
            f"{parents.shape} do not fit; give [N, L], [N, n], [L, D], [n, D] and [n]"
        )
