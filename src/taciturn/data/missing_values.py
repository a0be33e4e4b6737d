"""NaN in place of the missing values of masked arrays, data frames and objects."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray


def with_nan(X: Any) -> Any:
    """Return rows with NaN for missing values that scikit-learn's and NumPy's conversions refuse or ignore.

    Parameters
    ----------
    X : object
        Rows: an array, a frame, a list of lists or anything else.

    Returns
    -------
    object
        Rows in which masked entries, and pandas' NA and NaT beside numbers, are NaN; X itself if it has none. None, and
        nulls of Polars, become NaN by conversion.

    Examples
    --------
    >>> with_nan(np.ma.masked_greater([[1, 2]], 1))
    array([[ 1., nan]])
    """
    if np.ma.is_masked(X):
        exact = X.astype(np.float64) if X.dtype.kind in "biu" else X
        return exact.filled(np.nan) if exact.dtype.kind in "fO" else X
    if hasattr(X, "iloc"):
        return _frame_with_nan(X)
    pandas = sys.modules.get("pandas")  # where it is not loaded there is no NA
    if pandas is None or not isinstance(X, np.ndarray | list):
        return X
    try:
        array: NDArray[Any] = np.asarray(X)
    except ValueError:  # rows of different lengths
        return X
    if array.dtype.kind != "O" or not (missing := pandas.isna(array)).any():
        return X
    return np.where(missing, np.nan, array)


def _frame_with_nan(X: Any) -> Any:
    """Return a pandas frame whose columns with NA or NaT are objects with NaN."""
    for i in range(X.shape[1]):
        column = X.iloc[:, i]
        is_plain = isinstance(column.dtype, np.dtype) and column.dtype.kind != "O"
        if not is_plain and (missing := np.asarray(column.isna())).any():
            X = X.copy(deep=False)
            X.isetitem(i, np.where(missing, np.nan, np.asarray(column, object)))
    return X
