"""Statistics of sparse rows from their stored entries; all others are 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Vector = NDArray[np.float64]
LARGEST = float(np.finfo(np.float64).max)


def stored_moments(rows: csr_array) -> tuple[float, NDArray[np.int64], Vector, Vector, Vector, Vector]:
    """Return the statistics of sparse rows that `Moments` keeps.

    Parameters
    ----------
    rows : csr_array [B, D]
        At least one row; NaN is a missing value. No entry is stored twice.

    Returns
    -------
    norm : float
        Mean of the rows' norms.
    missing : array [D], int64
    mean, squares, low, high : arrays [D], float64

    Notes
    -----
    Σ (x - mean)² is that of the entries, plus mean² for each other row: no digits are lost where the mean is large. As
    in dense rows, the mean of a column of one value is exactly this value.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> _, _, mean, squares, low, high = stored_moments(csr_array([[0.0, 2.0], [4.0, 2.0]]))
    >>> mean.tolist(), squares.tolist(), low.tolist(), high.tolist()
    ([2.0, 2.0], [8.0, 0.0], [0.0, 2.0], [4.0, 2.0])
    """
    n_rows, n_columns = rows.shape
    values, columns = rows.data.astype(np.float64), rows.indices
    row_numbers = np.repeat(np.arange(n_rows), np.diff(rows.indptr))
    known = ~np.isnan(values)
    missing = np.bincount(columns[~known], minlength=n_columns)
    missing_of_row = np.bincount(row_numbers[~known], minlength=n_rows)
    values, columns, row_numbers = values[known], columns[known], row_numbers[known]
    n_known, n_stored = n_rows - missing, np.bincount(columns, minlength=n_columns)
    n_zeros = n_known - n_stored

    low = np.where(n_zeros > 0, 0.0, LARGEST)
    high = -low + 0.0
    np.minimum.at(low, columns, values)
    np.maximum.at(high, columns, values)
    mean = np.bincount(columns, values, n_columns) / np.maximum(n_known, 1)
    mean = np.where(low == high, low, mean)
    squares = np.bincount(columns, np.square(values - mean[columns]), n_columns) + n_zeros * np.square(mean)

    norms = np.sqrt(np.bincount(row_numbers, np.square(values), n_rows))
    share = np.maximum(1 - missing_of_row / n_columns, 1 / n_columns)
    return float((norms / np.sqrt(share)).mean()), missing.astype(np.int64), mean, squares, low, high
