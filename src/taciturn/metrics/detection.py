"""Precision, recall and F1 of latents as detectors of features."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import DataError
from .arrays import Floats, is_active
from .matching import Matching


@dataclass(frozen=True, eq=False)
class Detection:
    """Scores of latents as detectors of features, one per pair [M], in the order of the pairs.

    Attributes
    ----------
    precision : array [M], float64
        Share of the latent's active rows in which the feature is active, from 0 to 1.
    recall : array [M], float64
        Share of the feature's active rows in which the latent is active, from 0 to 1.
    f1 : array [M], float64
        Harmonic mean of precision and recall, from 0 to 1.
    """

    precision: Floats
    recall: Floats
    f1: Floats


def detection(codes: Any, activations: Any, pairs: Matching) -> Detection:
    """Return precision, recall and F1 of each pair's latent as a detector of the pair's feature.

    Parameters
    ----------
    codes : array or SciPy sparse array of shape [N, L]
        A latent is active where its code is not 0; for sigmoid codes give `codes > 0.5`.
    activations : array or SciPy sparse array of shape [N, n]
        The true features' activations in the same rows; a feature is active where its activation is not 0.
    pairs : Matching
        Which latent detects which feature.

    Returns
    -------
    Detection
        One score per pair, each from 0 to 1.

    Raises
    ------
    DataError
        If codes and activations have different numbers of rows, are not finite, or lack what a pair names.

    Notes
    -----
    Over the rows, with TP rows where both are active, FP where only the latent is, FN where only the feature is:

        precision = TP / (TP + FP)     recall = TP / (TP + FN)     F1 = 2 TP / (2 TP + FP + FN)

    Each is 0 where the formula is 0 / 0: a latent that is never active detects nothing. With the pairs of `matched`,
    each feature has one detector. SAELens judges each latent by its nearest feature instead, so two latents may stand
    for one feature: `detection(codes, activations, nearest(found, truth)).f1.mean()` is its `f1_score`.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = Matching(np.array([1]), np.array([0]), np.array([1.0]))
    >>> codes, activations = np.array([[0, 2], [0, 3], [1, 0], [0, 0]]), np.array([[1], [0], [1], [0]])
    >>> scores = detection(codes, activations, pairs)
    >>> scores.precision.tolist(), scores.recall.tolist(), scores.f1.tolist()
    ([0.5], [0.5], [0.5])
    """
    latents_NL, features_Nn = is_active(codes, "codes"), is_active(activations, "activations")
    if latents_NL.shape[0] != features_Nn.shape[0]:
        raise DataError(
            f"codes has {latents_NL.shape[0]} rows, but activations has {features_Nn.shape[0]}; give the same rows"
        )
    pairs.check(latents_NL.shape[1], features_Nn.shape[1])
    latents_NM, features_NM = latents_NL[:, pairs.found], features_Nn[:, pairs.truth]
    both, latent, feature = (
        np.asarray(active_NM.sum(0)) for active_NM in (latents_NM.multiply(features_NM), latents_NM, features_NM)
    )
    return Detection(_ratio(both, latent), _ratio(both, feature), _ratio(2 * both, latent + feature))


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
