"""How well latents tell that features are there."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import DataError
from .arrays import Floats, fires
from .matching import Matching


@dataclass(frozen=True, eq=False)
class Detection:
    """A number a pair [M]: of latents as detectors of features, in the order of the pairs."""

    precision: Floats
    recall: Floats
    f1: Floats


def detection(codes: Any, activations: Any, pairs: Matching) -> Detection:
    """Return precision, recall and F1 of each pair's latent as a detector of its feature, over the rows given.

    A latent says that the feature is there where its code is not 0, and it is there where its activation is not 0.
    Over rows, with TP both, FP only the latent, FN only the feature:

        precision = TP / (TP + FP)     recall = TP / (TP + FN)     F1 = 2 TP / (2 TP + FP + FN)

    each 0 where it is 0 / 0: a latent that never speaks detects nothing. With the pairs of `matched`, each feature
    has one detector. SAELens judges each latent by its nearest feature instead, so that two latents may stand for
    one: `detection(codes, activations, nearest(found, truth)).f1.mean()` is its `f1_score`.

    Parameters
    ----------
    codes : array or SciPy sparse array of shape [N, L]
        Codes of which ≠ 0 means firing; of sigmoid codes give `codes > 0.5`.
    activations : array or SciPy sparse array of shape [N, n]
        The true features' activations in the same rows.
    pairs : Matching
        Which latent is to detect which feature.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = Matching(np.array([1]), np.array([0]), np.array([1.0]))
    >>> codes, activations = np.array([[0, 2], [0, 3], [1, 0], [0, 0]]), np.array([[1], [0], [1], [0]])
    >>> found = detection(codes, activations, pairs)
    >>> found.precision.tolist(), found.recall.tolist(), found.f1.tolist()
    ([0.5], [0.5], [0.5])
    """
    said_NL, there_Nn = fires(codes, "codes"), fires(activations, "activations")
    if said_NL.shape[0] != there_Nn.shape[0]:
        raise DataError(f"codes are of {said_NL.shape[0]} rows, activations of {there_Nn.shape[0]}; give the same rows")
    said_NM, there_NM = said_NL[:, pairs.found], there_Nn[:, pairs.truth]
    both, said, there = (np.asarray(each.sum(0)) for each in (said_NM.multiply(there_NM), said_NM, there_NM))
    return Detection(_share(both, said), _share(both, there), _share(2 * both, said + there))


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
