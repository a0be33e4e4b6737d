"""Which found direction stands for which true one, and how close they come."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import RecipeError
from .arrays import Floats, blocks, pair


@dataclass(frozen=True, eq=False)
class Matching:
    """Pairs of rows: found[m] stands for truth[m], with the signed cosine cosines[m]."""

    found: NDArray[np.intp]  # [M]
    truth: NDArray[np.intp]  # [M]
    cosines: Floats  # [M]


def matched(found: Any, truth: Any) -> Matching:
    """Return the min(L, n) pairs, each row in one at most, whose |cos| sum to the most (Hungarian matching).

    Signs do not count, as in SAELens and in Song et al. (2025); `cosines` keeps them. Pairs come in the order of
    the true features. All L × n cosines are formed.

    Parameters
    ----------
    found : array of shape [L, D]
        The rows of a learnt dictionary (a decoder's weight, a latent a row), in the units of the true one.
    truth : array of shape [n, D]
        The true features, or another dictionary.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = matched(np.array([[3.0, 4.0], [5.0, 0.0], [0.0, -1.0]]), np.eye(2))
    >>> pairs.found.tolist(), pairs.truth.tolist(), pairs.cosines.tolist()
    ([1, 2], [0, 1], [1.0, -1.0])
    """
    from scipy.optimize import linear_sum_assignment  # slow to import

    found, truth = pair(found, truth)
    cosines = found @ truth.T
    rows, columns = linear_sum_assignment(np.abs(cosines), maximize=True)
    order = np.argsort(columns)
    rows, columns = rows[order], columns[order]
    return Matching(rows, columns, np.clip(cosines[rows, columns], -1, 1))


def nearest(found: Any, truth: Any) -> Matching:
    """Return each found row's nearest true feature, by |cos|: L pairs, in which a feature may come often or never.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = nearest(np.array([[3.0, 4.0], [5.0, 0.0], [0.0, -1.0]]), np.eye(2))
    >>> pairs.truth.tolist(), pairs.cosines.tolist()
    ([1, 0, 1], [0.8, 1.0, -1.0])
    """
    found, truth = pair(found, truth)
    best, cosines = np.zeros(len(found), np.intp), np.zeros(len(found))
    for at in blocks(len(found)):
        block = found[at] @ truth.T
        best[at] = np.abs(block).argmax(1)
        cosines[at] = np.take_along_axis(block, best[at, None], 1)[:, 0]
    return Matching(np.arange(len(found)), best, np.clip(cosines, -1, 1))


def mcc(found: Any, truth: Any) -> float:
    """Return the mean |cos| of matched pairs, from 0 to 1: each found row may stand for one true feature.

    The mean correlation coefficient as SAELens computes it, after Song et al. (2025): the mean over the min(L, n)
    pairs of `matched`. Where L < n the features that no row is left for cost nothing; `recall` counts them.

    Examples
    --------
    >>> import numpy as np
    >>> mcc(np.array([[3.0, 4.0], [0.6, -0.8]]), np.eye(2))
    0.7
    """
    return float(np.abs(matched(found, truth).cosines).mean())


def mmcs(found: Any, truth: Any) -> float:
    """Return the mean over true features of the largest cosine that any found row has with them.

    MMCS, the mean max cosine similarity of Sharkey, Braun and Millidge (2022). Cosines are signed: a row that
    points away has not found the feature. One row may serve many features.

    Examples
    --------
    >>> import numpy as np
    >>> mmcs(np.array([[3.0, 4.0], [0.0, -1.0]]), np.eye(2))
    0.7
    """
    return float(_best(found, truth).mean())


def recall(found: Any, truth: Any, *, at: float = 0.9) -> float:
    """Return the share of true features of which some found row has a cosine of `at` or more, signs counted.

    Examples
    --------
    >>> import numpy as np
    >>> recall(np.array([[3.0, 4.0], [1.0, 0.1]]), np.eye(2))
    0.5
    """
    if not -1 <= at <= 1:
        raise RecipeError(f"at={at} is no cosine; give a number from -1 to 1")
    return float((_best(found, truth) >= at).mean())


def _best(found: Any, truth: Any) -> Floats:
    """Return the largest cosine of each true feature with a found row [n]."""
    found, truth = pair(found, truth)
    best = np.full(len(truth), -1.0)
    for at in blocks(len(truth)):
        for part in blocks(len(found)):
            np.maximum(best[at], (truth[at] @ found[part].T).max(1), out=best[at])
    return np.asarray(np.minimum(best, 1))
