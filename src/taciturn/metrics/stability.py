"""Whether other seeds find the same dictionary."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np

from ..core.errors import RecipeError
from .matching import mcc, recall


@dataclass(frozen=True)
class Stability:
    """Means over all pairs of dictionaries, 1 where all are the same but for order."""

    shared: float  # the share of rows of one that are found again in the other
    mcc: float  # the mean |cos| of matched rows
    initial: "Stability | None" = None  # of the dictionaries at step 0


def stability(dictionaries: Sequence[Any], *, initial: Sequence[Any] | None = None, at: float = 0.9) -> Stability:
    """Return how much dictionaries that differ in their seed have in common.

    `shared` is the mean, over ordered pairs, of the share of rows of one of which the other has a row of cosine `at`
    or more, signs counted (`recall`; Paulo and Belrose, 2025, count what seeds share). `mcc` is the mean of `mcc`
    over unordered pairs: the PW-MCC of Song et al. (2025).

    Parameters
    ----------
    dictionaries : two or more arrays of shape [L, D]
        Learnt from the same rows in the same units, with other seeds.
    initial : as many arrays, optional
        The same before the first step. What is shared then was not found: rows set to training rows, or one seed in
        place of several.
    at : float
        The least cosine at which a row counts as found again.

    Examples
    --------
    >>> import numpy as np
    >>> one, other = np.eye(3), np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 3.0, 4.0]])
    >>> found = stability([one, other])
    >>> round(found.shared, 6), round(found.mcc, 6)
    (0.666667, 0.933333)
    """
    if len(dictionaries) < 2:
        raise RecipeError(f"{len(dictionaries)} dictionary has nothing to be compared with; give two or more")
    if initial is not None and len(initial) != len(dictionaries):
        raise RecipeError(
            f"initial holds {len(initial)} dictionaries, but {len(dictionaries)} are compared; give each's"
        )
    return Stability(
        shared=float(np.mean([recall(other, one, at=at) for one, other in permutations(dictionaries, 2)])),
        mcc=float(np.mean([mcc(one, other) for one, other in combinations(dictionaries, 2)])),
        initial=None if initial is None else stability(initial, at=at),
    )
