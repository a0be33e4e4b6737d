"""Quantiles of the columns of rows."""

import numpy as np
from numpy.typing import NDArray

from .moments import Moments
from .sources import Source

SAMPLE_ROWS = 100_000  # of more rows the quantiles are those of a sample
SAMPLE_NUMBERS = 1 << 24  # of wide rows fewer are read, but at least MIN_SAMPLE_ROWS
MIN_SAMPLE_ROWS = 1000


def measure_quantiles(source: Source, moments: Moments, n: int) -> NDArray[np.float64]:
    """Return quantiles of each column's known values, at equal steps of their shares.

    Parameters
    ----------
    source : Source
        N rows with D numbers each. At most 100,000 of them are read, of wide rows fewer, drawn at random.
    moments : Moments
        Of all N rows: the first and the last quantile are the least and the greatest value of all rows.
    n : int
        ≥ 2, the largest number Q of quantiles.

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
    n_read = min(len(source), max(min(SAMPLE_ROWS, SAMPLE_NUMBERS // n_columns), MIN_SAMPLE_ROWS))
    if n_read == len(source):
        rows = source.read(0, n_read)
    else:
        rows = source.take(np.sort(np.random.default_rng(0).choice(len(source), n_read, replace=False)))
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


def _quantiles(ordered: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return n quantiles of ordered values; where one is a value itself, it is this value to the bit.

    np.quantile finds the position by a product that is rounded, and so a number beside the value.
    """
    lower, rest = np.divmod(np.arange(n) * (len(ordered) - 1), max(n - 1, 1))
    upper = np.minimum(lower + 1, len(ordered) - 1)
    between = ordered[lower] + (ordered[upper] - ordered[lower]) * (rest / max(n - 1, 1))
    return np.asarray(np.maximum.accumulate(between))
