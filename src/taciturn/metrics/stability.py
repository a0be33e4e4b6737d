"""What dictionaries trained with different seeds have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np

from ..core.errors import RecipeError
from .matching import mcc, recall


@dataclass(frozen=True)
class Stability:
    """Agreement of dictionaries, averaged over all pairs; 1 where all are the same except for order.

    Attributes
    ----------
    shared : float
        Mean share of one dictionary's rows that the other has too, from 0 to 1.
    mcc : float
        Mean |cosine| of matched rows, from 0 to 1.
    initial : Stability or None
        The same of the dictionaries at step 0, if they were given.
    """

    shared: float
    mcc: float
    initial: "Stability | None" = None


def stability(dictionaries: Sequence[Any], *, initial: Sequence[Any] | None = None, at: float = 0.9) -> Stability:
    """Return how far dictionaries trained with different seeds agree.

    Parameters
    ----------
    dictionaries : two or more arrays of shape [L, D]
        Trained on the same rows in the same units, with different seeds.
    initial : as many arrays, optional
        The same dictionaries before the first step. What they share then was not learnt: for example rows initialised
        to training rows, or one seed used several times.
    at : float, default=0.9
        The least cosine at which a row counts as shared, from -1 to 1. Signs count.

    Returns
    -------
    Stability
        `shared` and `mcc`, from 0 to 1, with `initial` if it was given.

    Raises
    ------
    RecipeError
        If fewer than two dictionaries are given, `initial` has another length, or `at` lies outside [-1, 1].
    DataError
        If dictionaries differ in width or are not finite.

    Notes
    -----
    `shared` is the mean of `recall` over ordered pairs: the share of rows of one dictionary for which the other has a
    row of cosine `at` or more (Paulo and Belrose, 2025, count what seeds share). `mcc` is the mean of `mcc` over
    unordered pairs: the PW-MCC of Song et al. (2025).

    Examples
    --------
    >>> import numpy as np
    >>> first, second = np.eye(3), np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 3.0, 4.0]])
    >>> agreement = stability([first, second])
    >>> round(agreement.shared, 6), round(agreement.mcc, 6)
    (0.666667, 0.933333)
    """
    if len(dictionaries) < 2:
        raise RecipeError(f"stability needs two or more dictionaries, but got {len(dictionaries)}; train more seeds")
    if initial is not None and len(initial) != len(dictionaries):
        raise RecipeError(
            f"initial has {len(initial)} dictionaries, but {len(dictionaries)} are compared; give one for each"
        )
    return Stability(
        shared=float(np.mean([recall(second, first, at=at) for first, second in permutations(dictionaries, 2)])),
        mcc=float(np.mean([mcc(first, second) for first, second in combinations(dictionaries, 2)])),
        initial=None if initial is None else stability(initial, at=at),
    )
