"""Which latents are alike: by their directions, and by when they speak."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...metrics import mean_cosine
from .sample import Sample, column
from .study import Study

ALIKE = 0.95  # |cosine| of near-duplicates
CORRELATED = 40  # latents
MOST = 20  # pairs that are named
BLOCK = 1024


@dataclass(frozen=True)
class Pair:
    """Two latents, of one dictionary or of two, and the cosine of their directions."""

    one: int
    other: int
    cosine: float


@dataclass(frozen=True)
class Neighbours:
    """How alike latents are."""

    pairs: list[Pair]  # the most alike first, at most 20
    alike: int  # pairs whose |cosine| is at least .95
    doubles: int  # latents that have such a partner
    mean_cosine: float  # over all pairs
    correlated: list[int]  # the latents of
    correlations: list[list[float]]  # their codes' correlations over the sample's rows


def neighbours(components_LD: NDArray[Any], speaking: list[int], some: Sample, *, shown: list[int]) -> Neighbours:
    """Return near-duplicates among the latents that speak, and the correlations of the codes of those shown."""
    unit = components_LD.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), np.finfo(float).tiny)
    unit = unit[speaking]
    pairs: list[Pair] = []
    doubles: set[int] = set()
    for start in range(0, len(unit), BLOCK):
        cosines = unit[start : start + BLOCK] @ unit[start:].T
        one, other = np.nonzero(np.triu(np.abs(cosines) >= ALIKE, 1))
        named = [(speaking[start + i], speaking[start + j]) for i, j in zip(one, other, strict=True)]
        pairs += [Pair(*two, float(cosine)) for two, cosine in zip(named, cosines[one, other], strict=True)]
        doubles.update(latent for two in named for latent in two)
    pairs.sort(key=lambda pair: (-abs(pair.cosine), pair.one, pair.other))
    return Neighbours(
        pairs[:MOST],
        len(pairs),
        len(doubles),
        mean_cosine(components_LD[speaking]) if speaking else 0.0,
        shown,
        _correlations(some, shown).tolist(),
    )


def _correlations(some: Sample, shown: list[int]) -> NDArray[np.float64]:
    """Return the correlations [M, M] of codes; of a constant one 0 with all others."""
    if not shown:
        return np.zeros((0, 0))
    codes = np.array([column(some.codes, latent) for latent in shown], np.float64)
    codes -= codes.mean(1, keepdims=True)
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    codes /= np.where(lengths > 0, lengths, 1.0)
    found = codes @ codes.T
    np.fill_diagonal(found, 1.0)
    return found


def measure(study: Study) -> Neighbours:
    """Return the neighbours of a report: of the latents that carry some of the variation."""
    active = [latent for latent, share in enumerate(study["latents"].shares) if share > 0]
    shown = [each.latent for each in study["atlas"][:CORRELATED]]
    return neighbours(study.directions, active, study.sample, shown=shown)
