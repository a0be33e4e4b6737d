"""Quantiles of the columns of rows, and the lengths of rows, measured on a sample."""

import numpy as np
from numpy.typing import NDArray

from ..core.seeds import generator
from .moments import PART_NUMBERS, Moments
from .sample import sample_indices
from .sources import Source

SAMPLE_ROWS = 100_000  # of more rows they are those of a sample
SAMPLE_NUMBERS = 1 << 24  # of wide rows fewer are read, but at least MIN_SAMPLE_ROWS
MIN_SAMPLE_ROWS = 1000


def measure_quantiles(source: Source, moments: Moments, n: int, *, in_runs: bool = False) -> NDArray[np.float64]:
    """Return quantiles of each column's known values, at equal steps of their shares.

    Parameters
    ----------
    source : Source
        N rows with D numbers each. At most 100,000 of them are read, of wide rows fewer, drawn at random.
    moments : Moments
        Of all N rows: the first and the last quantile are the least and the greatest value of all rows.
    n : int
        ≥ 2, the largest number Q of quantiles.
    in_runs : bool, default=False
        Whether runs of neighbouring rows are drawn, which are much quicker to read from files.

    Returns
    -------
    array [Q, D], float64
        Ascending; Q is the number of rows read, if that is smaller than n. A column with K < Q known values has K
        quantiles, and NaN after them; a column without any has one, 0.

    Notes
    -----
    Quantile k is at the share k / (Q - 1). It is interpolated linearly between two values, as in scikit-learn's
    QuantileTransformer.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> x = np.array([[0.0, 1.0], [4.0, np.nan], [2.0, 3.0], [8.0, np.nan]])
    >>> measure_quantiles(Rows(x), Moments().add(x), 3).T.tolist()
    [[0.0, 3.0, 8.0], [1.0, 3.0, nan]]
    """
    n_columns = len(moments.mean)
    indices = _sample(len(source), n_columns, in_runs)
    n_read = len(indices)
    rows = source.read(0, n_read) if n_read == len(source) else source.take(indices)
    quantiles = np.full((min(n, n_read), n_columns), np.nan)
    for column, values in enumerate(np.asarray(rows).reshape(n_read, n_columns).T):
        known = values[~np.isnan(values)].astype(np.float64)
        size = min(len(quantiles), len(known))
        if not size:
            quantiles[0, column] = 0.0
            continue
        quantiles[:size, column] = _quantiles(np.sort(known), size)
        quantiles[0, column], quantiles[size - 1, column] = moments.low[column], moments.high[column]
    return quantiles


def measure_lengths(
    source: Source,
    shift: NDArray[np.float64],
    scale: NDArray[np.float64],
    *,
    centre: bool = False,
    in_runs: bool = False,
) -> tuple[float, float]:
    """Return the median and the mean of the rows' lengths ‖(x - shift) / scale‖.

    Parameters
    ----------
    source : Source
        N rows with D numbers each; the rows that `measure_quantiles` reads are measured.
    shift, scale : array [D], float64
        The point from which lengths are measured, and the unit of each column.
    centre : bool, default=False
        Whether its own mean is subtracted from each row before.
    in_runs : bool, default=False
        As of `measure_quantiles`.

    Returns
    -------
    median, mean : float
        In rows with missing values a length is √(D / known) times that of the known ones; rows without any are left
        out. 0 if there are no others.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> measure_lengths(Rows(np.array([[3.0, 4.0], [0.0, 1.0], [np.nan, 6.0]])), np.zeros(2), np.ones(2))
    (5.0, 4.82842712474619)
    """
    indices, size = _sample(len(source), len(shift), in_runs), max(PART_NUMBERS // len(shift), 1)
    means = []
    for start in range(0, len(indices), size):
        rows = np.asarray(source.take(indices[start : start + size]), np.float64)
        rows = (rows.reshape(len(rows), -1) - shift) / scale
        known = ~np.isnan(rows)
        if centre:
            rows -= (np.nansum(rows, axis=1) / np.maximum(known.sum(1), 1))[:, None]
        squares = np.square(rows)
        means.append(np.nansum(squares, axis=1)[known.any(1)] / known.sum(1)[known.any(1)])
    lengths = np.sqrt(len(shift) * np.concatenate(means))
    return (float(np.median(lengths)), float(lengths.mean())) if len(lengths) else (0.0, 0.0)


def _sample(n_rows: int, n_columns: int, in_runs: bool) -> NDArray[np.int64]:
    """Return the rows that are read, ascending: all, or so many drawn at random."""
    n_read = min(n_rows, max(min(SAMPLE_ROWS, SAMPLE_NUMBERS // n_columns), MIN_SAMPLE_ROWS))
    if n_read == n_rows:
        return np.arange(n_rows)
    if in_runs:
        return sample_indices(n_rows, n_read, generator(0, "quantiles"), streamed=True)
    return np.sort(np.random.default_rng(0).choice(n_rows, n_read, replace=False))


def _quantiles(ordered: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return n quantiles of ordered values; where one is a value itself, it is this value to the bit.

    np.quantile finds the position by a product that is rounded, and so a number beside the value.
    """
    lower, rest = np.divmod(np.arange(n) * (len(ordered) - 1), max(n - 1, 1))
    upper = np.minimum(lower + 1, len(ordered) - 1)
    between = ordered[lower] + (ordered[upper] - ordered[lower]) * (rest / max(n - 1, 1))
    return np.asarray(np.maximum.accumulate(between))
