"""How unlike the training rows a row is: the error of its reconstruction and the distance to its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

Array = NDArray[np.float64]
FLOOR = 1e-3  # added to an error and a distance in units of typical ones: duplicated rows have a distance of 0
SAME_ROW = 1e-9  # a smaller distance is one of equal rows; reconstructions that fill them in differ by rounding
LARGEST = 1e100  # of a scaled value, so that its square is finite
SHARE_OF_MEAN = 1e-3  # of the mean squared error, added to a column's typical one: a constant column's is 0


@dataclass(frozen=True)
class Outlyingness:
    """What rows are compared with; a larger outlyingness is a row less like the training rows.

    Parameters
    ----------
    reference : array [R, D]
        Scaled training rows, without missing values.
    shift, scale : array [D]
        Scaled rows are (x - shift) / scale.
    error_unit : array [D]
        The typical squared error of each column over the training rows, in squared units of scaled rows.
    typical : array [2]
        The typical error and the typical distance of a training row.
    n_neighbors : array, one int
        Number of neighbours.

    Notes
    -----
    The outlyingness is ½ log(r / r₀ + ε) + log(d / d₀ + ε). r is the mean over the known columns of
    log(1 + error² / error_unit), d the mean distance to the `n_neighbors` nearest reference rows, r₀ and d₀ are
    typical values of training rows and ε is 0.001. A reference row equal to the row itself is not its neighbour.
    """

    reference: Array
    shift: Array
    scale: Array
    error_unit: Array
    typical: Array
    n_neighbors: NDArray[np.int64]

    @classmethod
    def measured(cls, rows: Array, recon: Array, shift: Array, scale: Array, n_neighbors: int) -> Outlyingness:
        """Return what training rows [N, D] with these reconstructions are; the other arguments as above."""
        squares = np.square(_bounded((recon - rows) / scale))
        error_unit = np.nanmedian(squares, axis=0) + SHARE_OF_MEAN * np.nanmean(squares) + np.finfo(np.float64).tiny
        reference, count = _bounded((_filled(rows, recon) - shift) / scale), np.array([n_neighbors])
        untyped = cls(reference, shift, scale, error_unit, np.ones(2), count)
        typical = np.array([_typical(values) for values in untyped.errors_and_distances(rows, recon)])
        return cls(reference, shift, scale, error_unit, typical, count)

    def outlyingness(self, rows: Array, recon: Array) -> Array:
        """Return the outlyingness [N] of rows [N, D] with these reconstructions; a missing value is NaN."""
        errors, distances = self.errors_and_distances(rows, recon) / self.typical[:, None]
        return np.asarray(0.5 * np.log(np.nan_to_num(errors, nan=1.0) + FLOOR) + np.log(distances + FLOOR))

    def errors_and_distances(self, rows: Array, recon: Array) -> Array:
        """Return the errors r and the mean distances d to the neighbours of rows [N, D], as [2, N]."""
        logs = np.log1p(np.square(_bounded((recon - rows) / self.scale)) / self.error_unit)
        known = ~np.isnan(logs)
        with np.errstate(invalid="ignore"):
            errors = np.where(known, logs, 0).sum(1) / known.sum(1)  # NaN if no value of the row is known
        return np.stack([errors, self._distances(_bounded((_filled(rows, recon) - self.shift) / self.scale))])

    def _distances(self, rows: Array) -> Array:
        k = min(int(self.n_neighbors[0]), max(len(self.reference) - 1, 1))
        indices = self._search.kneighbors(rows, min(k + 1, len(self.reference)), return_distance=False)
        # computed again, because the search may round the distance of equal rows to a large number
        distances = np.sort(np.sqrt(np.square(rows[:, None] - self.reference[indices]).sum(2)), axis=1)
        is_reference = distances[:, :1] < SAME_ROW
        return np.asarray(np.where(is_reference, distances[:, -k:], distances[:, :k]).mean(1))

    @cached_property
    def _search(self) -> NearestNeighbors:
        return NearestNeighbors().fit(self.reference)


def _filled(rows: Array, recon: Array) -> Array:
    """Return rows whose missing values are those of the reconstructions."""
    return np.where(np.isnan(rows), recon, rows)


def _bounded(scaled: Array) -> Array:
    return np.clip(scaled, -LARGEST, LARGEST)


def _typical(values: Array) -> float:
    """Return the median of the values above 0; 1 if there are none."""
    above = values[values > 0]
    return float(np.median(above)) if len(above) else 1.0
