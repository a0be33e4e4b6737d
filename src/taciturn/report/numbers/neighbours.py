"""Similar latents: pairs with nearly the same direction, and correlations of codes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...metrics import mean_cosine
from .numbers import ShortRepr
from .sample import Sample, column
from .study import Study

NEAR_DUPLICATE = 0.95  # the least |cosine| of a pair of near-duplicates
MAX_CORRELATED = 40  # latents whose codes' correlations are computed
MAX_PAIRS = 20  # pairs that are listed
BLOCK_COSINES = 1 << 20  # cosines that are computed at a time


@dataclass(frozen=True)
class Pair:
    """Two latents of one dictionary, or one of each of two dictionaries.

    Parameters
    ----------
    first, second : int
        The latents' indices.
    cosine : float
        The cosine of their directions, from -1 to 1.
    """

    first: int
    second: int
    cosine: float


@dataclass(frozen=True, repr=False)
class Neighbours(ShortRepr):
    """Similarity of the latents of one dictionary.

    Latents with constant codes are left out.

    Parameters
    ----------
    pairs : list of Pair
        Up to 20 near-duplicates, the largest |cosine| first.
    near_duplicates : int
        Number of pairs with |cosine| of .95 or more.
    latents_with_duplicate : int
        Number of latents that belong to such a pair.
    mean_cosine : float
        Mean |cosine| over all pairs of latents, from 0 to 1.
    correlation_latents : list of int [M]
        The first M ≤ 40 latents of the atlas.
    correlations : list of list of float [M, M]
        Correlations of their codes over the sample's rows, from -1 to 1.
    """

    pairs: list[Pair]
    near_duplicates: int
    latents_with_duplicate: int
    mean_cosine: float
    correlation_latents: list[int]
    correlations: list[list[float]]


def neighbours(
    components_LD: NDArray[Any], latents: list[int], sample: Sample, *, correlation_latents: list[int]
) -> Neighbours:
    """Return near-duplicates among some latents, and correlations of the codes of others.

    Parameters
    ----------
    components_LD : array [L, D]
        The directions of all latents.
    latents : list of int
        The latents whose directions are compared.
    sample : Sample
        The codes that are correlated.
    correlation_latents : list of int
        The latents whose codes are correlated.

    Returns
    -------
    Neighbours
    """
    unit = components_LD.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), np.finfo(float).tiny)
    unit = unit[latents]
    pairs: list[Pair] = []
    n_pairs, has_duplicate = 0, np.zeros(len(unit), bool)
    block = max(BLOCK_COSINES // max(len(unit), 1), 1)
    for start in range(0, len(unit), block):
        cosines = unit[start : start + block] @ unit[start:].T
        rows, columns = np.nonzero(np.triu(np.abs(cosines) >= NEAR_DUPLICATE, 1))
        near, n_pairs = cosines[rows, columns], n_pairs + len(rows)
        has_duplicate[start + rows] = has_duplicate[start + columns] = True
        for i in np.lexsort((columns, rows, -np.abs(near)))[:MAX_PAIRS]:
            pairs.append(Pair(latents[start + rows[i]], latents[start + columns[i]], float(near[i])))
    pairs.sort(key=lambda pair: (-abs(pair.cosine), pair.first, pair.second))
    return Neighbours(
        pairs[:MAX_PAIRS],
        n_pairs,
        int(has_duplicate.sum()),
        mean_cosine(components_LD[latents]) if latents else 0.0,
        correlation_latents,
        _correlations(sample, correlation_latents).tolist(),
    )


def _correlations(sample: Sample, latents: list[int]) -> NDArray[np.float64]:
    """Return the correlations [M, M] of M latents' codes; a constant code has correlation 0 with all others."""
    if not latents:
        return np.zeros((0, 0))
    codes = np.array([column(sample.codes, latent) for latent in latents], np.float64)
    codes -= codes.mean(1, keepdims=True)
    norms = np.linalg.norm(codes, axis=1, keepdims=True)
    codes /= np.where(norms > 0, norms, 1.0)
    correlations = codes @ codes.T
    np.fill_diagonal(correlations, 1.0)
    return correlations


def measure(study: Study) -> Neighbours:
    """Return the similar latents of a report, among those whose code is not constant."""
    active = [latent for latent, share in enumerate(study["latents"].shares) if share > 0]
    first_of_atlas = [entry.latent for entry in study["atlas"][:MAX_CORRELATED]]
    return neighbours(study.directions, active, study.sample, correlation_latents=first_of_atlas)
