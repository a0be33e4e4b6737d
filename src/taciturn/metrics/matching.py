"""A learnt dictionary compared with the true one: matched pairs and their cosines."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, RecipeError
from .arrays import Floats, block_slices, unit_dictionaries


@dataclass(frozen=True, eq=False)
class Matching:
    """M pairs of a latent and a true feature: latent found[m] stands for feature truth[m].

    Parameters
    ----------
    found : array [M] of int
        Rows of the learnt dictionary.
    truth : array [M] of int
        Rows of the true dictionary.
    cosines : array [M], float64
        The pairs' cosines with their signs, from -1 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = Matching(found=np.array([2, 0]), truth=np.array([0, 1]), cosines=np.array([0.9, -1.0]))
    >>> pairs.found[0].item()  # the latent of feature 0
    2
    """

    found: NDArray[np.intp]
    truth: NDArray[np.intp]
    cosines: Floats

    def check(self, n_latents: int, n_features: int) -> None:
        """Raise DataError if a pair names a latent or a feature that there is not."""
        for name, indices, count in (("latent", self.found, n_latents), ("feature", self.truth, n_features)):
            if len(outside := indices[(indices < 0) | (indices >= count)]):
                raise DataError(f"pairs name {name} {outside[0]}, but there are {count}; match the same dictionaries")


def matched(found: Any, truth: Any) -> Matching:
    """Return the one-to-one pairs of learnt and true directions with the largest sum of |cosine|.

    Parameters
    ----------
    found : array of shape [L, D]
        The learnt dictionary (a decoder's weight, one latent per row), in the units of the true one.
    truth : array of shape [n, D]
        The true features, or another dictionary.

    Returns
    -------
    Matching
        min(L, n) pairs in the order of the true features; each row is in one pair at most.

    Raises
    ------
    DataError
        If the dictionaries differ in width or are not finite.

    Notes
    -----
    Hungarian matching (Kuhn, 1955; SciPy's `linear_sum_assignment`). Signs do not count, as in SAELens and in Song et
    al. (2025); `Matching.cosines` keeps them. All L × n cosines are held in memory.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = matched(np.array([[3.0, 4.0], [5.0, 0.0], [0.0, -1.0]]), np.eye(2))
    >>> pairs.found.tolist(), pairs.truth.tolist(), pairs.cosines.tolist()
    ([1, 2], [0, 1], [1.0, -1.0])
    """
    from scipy.optimize import linear_sum_assignment  # slow to import

    found, truth = unit_dictionaries(found, truth)
    cosines = found @ truth.T
    latents, features = linear_sum_assignment(np.abs(cosines), maximize=True)
    order = np.argsort(features)
    latents, features = latents[order], features[order]
    return Matching(latents, features, np.clip(cosines[latents, features], -1, 1))


def nearest(found: Any, truth: Any) -> Matching:
    """Return the nearest true feature, by |cosine|, of each learnt direction.

    Parameters
    ----------
    found : array of shape [L, D]
        The learnt dictionary, one latent per row.
    truth : array of shape [n, D]
        The true features.

    Returns
    -------
    Matching
        L pairs in the order of the latents; a feature may be in many pairs or in none.

    Raises
    ------
    DataError
        If the dictionaries differ in width or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = nearest(np.array([[3.0, 4.0], [5.0, 0.0], [0.0, -1.0]]), np.eye(2))
    >>> pairs.truth.tolist(), pairs.cosines.tolist()
    ([1, 0, 1], [0.8, 1.0, -1.0])
    """
    found, truth = unit_dictionaries(found, truth)
    features, cosines = np.zeros(len(found), np.intp), np.zeros(len(found))
    for rows in block_slices(len(found), len(truth)):
        block = found[rows] @ truth.T
        features[rows] = np.abs(block).argmax(1)
        cosines[rows] = np.take_along_axis(block, features[rows, None], 1)[:, 0]
    return Matching(np.arange(len(found)), features, np.clip(cosines, -1, 1))


def mcc(found: Any, truth: Any) -> float:
    """Return the mean |cosine| of the pairs of `matched`, from 0 to 1 (all pairs on the same lines).

    Parameters
    ----------
    found : array of shape [L, D]
        The learnt dictionary, one latent per row.
    truth : array of shape [n, D]
        The true features, or another dictionary.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    DataError
        If the dictionaries differ in width or are not finite.

    Notes
    -----
    The mean correlation coefficient as SAELens computes it, after Song et al. (2025): the mean over the min(L, n)
    pairs. Where L < n, features without a latent cost nothing here; `recall` counts them.

    Examples
    --------
    >>> import numpy as np
    >>> mcc(np.array([[3.0, 4.0], [0.6, -0.8]]), np.eye(2))
    0.7
    """
    return float(np.abs(matched(found, truth).cosines).mean())


def mmcs(found: Any, truth: Any) -> float:
    """Return the mean max cosine similarity: the mean over true features of the largest cosine with a latent.

    Parameters
    ----------
    found : array of shape [L, D]
        The learnt dictionary, one latent per row.
    truth : array of shape [n, D]
        The true features.

    Returns
    -------
    float
        In [-1, 1]; 1 if every feature is the direction of some latent.

    Raises
    ------
    DataError
        If the dictionaries differ in width or are not finite.

    Notes
    -----
    MMCS of Sharkey, Braun and Millidge (2022). Signs count: a latent that points the opposite way does not match the
    feature. One latent may be the best for many features.

    Examples
    --------
    >>> import numpy as np
    >>> mmcs(np.array([[3.0, 4.0], [0.0, -1.0]]), np.eye(2))
    0.7
    """
    return float(_largest_cosines(found, truth).mean())


def recall(found: Any, truth: Any, *, at: float = 0.9) -> float:
    """Return the share of true features that have a cosine of at least `at` with some latent, from 0 to 1.

    Parameters
    ----------
    found : array of shape [L, D]
        The learnt dictionary, one latent per row.
    truth : array of shape [n, D]
        The true features.
    at : float, default=0.9
        The least cosine at which a feature counts as found, from -1 to 1. Signs count.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    RecipeError
        If `at` lies outside [-1, 1].
    DataError
        If the dictionaries differ in width or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> recall(np.array([[3.0, 4.0], [1.0, 0.1]]), np.eye(2))
    0.5
    """
    if not -1 <= at <= 1:
        raise RecipeError(f"at={at} is not a cosine; give a number from -1 to 1")
    return float((_largest_cosines(found, truth) >= at).mean())


def _largest_cosines(found: Any, truth: Any) -> Floats:
    """Return the largest cosine of each true feature with a learnt direction [n]."""
    found, truth = unit_dictionaries(found, truth)
    largest = np.full(len(truth), -1.0)
    for features in block_slices(len(truth)):
        for latents in block_slices(len(found)):
            block = truth[features] @ found[latents].T
            np.maximum(largest[features], block.max(1), out=largest[features])
    return np.asarray(np.minimum(largest, 1))
