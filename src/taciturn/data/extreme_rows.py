"""Rows so far from the others that they hold nearly all of the columns' variance, or most of the squared error."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.seeds import generator
from .moments import PART_NUMBERS, Moments
from .sample import sample_indices
from .sources import Source, blocks_of

MAX_SHARE_OF_ROWS = 0.05  # more rows are not a few
SHARE_OF_VARIANCE = 0.95
SAMPLE_ROWS = 5000
SAMPLE_NUMBERS = 1 << 22  # of wide rows fewer are read, but at least MIN_SAMPLE_ROWS
MIN_SAMPLE_ROWS = 200
FEW = 0.01  # of the rows, by `share_of_largest`
MIN_ROWS = 100  # with fewer rows, one is more than a hundredth


def share_of_largest(errors: NDArray[np.float64]) -> tuple[float, NDArray[np.bool_]] | None:
    """Return the share of the squared error that the hundredth of the rows with the largest errors carries.

    Parameters
    ----------
    errors : array [N], float64
        Each row's squared error, ≥ 0; NaN where it is not known.

    Returns
    -------
    share : float
        In [0, 1].
    largest : array [N], bool
        Which rows these are.
        None instead of both with fewer than 100 known errors, or if all are 0.

    Examples
    --------
    >>> errors = np.ones(200)
    >>> errors[:2] = 198
    >>> share, largest = share_of_largest(errors)
    >>> share, largest.nonzero()[0].tolist()
    (0.6666666666666666, [0, 1])
    """
    known = np.where(np.isnan(errors), 0.0, errors)
    n, total = int(np.isfinite(errors).sum()), known.sum()
    if n < MIN_ROWS or not (0 < total < np.inf):
        return None
    indices = np.argsort(-known, kind="stable")[: round(FEW * n)]
    largest = np.zeros(len(errors), bool)
    largest[indices] = True
    return float(known[indices].sum() / total), largest


def extreme_share(source: Source, moments: Moments, scale: NDArray[np.float64]) -> float | None:
    """Return the share of the rows that holds 95% of the scaled columns' variance, if it is at most 5%.

    Parameters
    ----------
    source : Source
        N rows with D numbers each; at most 5,000 of them are read, drawn at random, of streamed rows in runs of 64.
    moments : Moments
        Of all N rows.
    scale : array [D], float64
        The columns' divisors.

    Returns
    -------
    float or None
        In [0, 0.05]: 0 if the rows read hold less than 5% of the variance, so that other rows hold the rest.
        None if more than 5% of the rows are needed, or if most other rows are equal.

    Notes
    -----
    A row holds Σ_d ((x_d - mean_d) / scale_d)². For normal rows of one column the largest 5% hold 28%, for lognormal
    ones (σ = 1) 74%; with more columns it is less.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> x = np.random.default_rng(0).normal(size=(1000, 3))
    >>> x[:10] *= 100
    >>> extreme_share(Rows(x), Moments().add(x), np.ones(3)) < 0.01
    True
    """

    def held_by(rows: NDArray[Any]) -> NDArray[np.float64]:
        deviations = (np.asarray(rows, np.float64) - moments.mean) / scale
        return np.asarray(np.nansum(np.square(deviations), axis=1))

    n = min(len(source), max(min(SAMPLE_ROWS, SAMPLE_NUMBERS // len(scale)), MIN_SAMPLE_ROWS))
    if blocks_of(source) is None:
        indices = np.sort(np.random.default_rng(0).choice(len(source), n, replace=False))
    else:  # single rows of files would be slow to read
        indices = sample_indices(len(source), n, generator(0, "extreme"), streamed=True)
        n = len(indices)  # whole runs
    size = max(PART_NUMBERS // len(scale), 1)
    held = np.sort(np.concatenate([held_by(source.take(indices[i : i + size])) for i in range(0, n, size)]))
    total = max(held.sum(), n * float((moments.variance / scale**2).sum()))
    # the largest number of smallest rows that together hold at most 5%
    n_rest = int(np.searchsorted(np.cumsum(held), (1 - SHARE_OF_VARIANCE) * total, side="right"))
    share = (n - n_rest) / n
    if total == 0 or share > MAX_SHARE_OF_ROWS:
        return None
    # counts of a rare event leave equal rows, of which nothing is lost
    others_differ = held[n_rest // 2] > held[0] * (1 + 1e-9)
    return share if others_differ else None
