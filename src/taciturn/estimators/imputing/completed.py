"""A table with its missing values replaced, in the form in which it was given."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def completed(X: Any, values: Array, missing: Array) -> Any:
    """Return rows with values in place of the missing ones; X itself is not changed.

    Parameters
    ----------
    X : object
        The rows as they were given.
    values : ndarray [N, D]
        The completed rows, whose known values are those of X.
    missing : ndarray [N, D] of bool
        Which values of X are missing.

    Returns
    -------
    object
        For a frame of pandas or Polars a frame of the same columns, types and index; known cells are the same. Whole
        numbers are rounded. For other rows the array `values`.

    Examples
    --------
    >>> import pandas as pd
    >>> cats = pd.DataFrame({"age": pd.array([3, None], "Int64")}, index=["x", "y"])
    >>> completed(cats, np.array([[3.0], [6.8]]), np.array([[False], [True]]))
       age
    x    3
    y    7
    """
    if hasattr(X, "iloc"):
        return _pandas(X, values, missing)
    return _polars(X, values, missing) if hasattr(X, "with_columns") else values


def _pandas(X: Any, values: Array, missing: Array) -> Any:
    pandas, X = sys.modules["pandas"], X.copy()
    for i in np.flatnonzero(missing.any(0)):
        rows, column = np.flatnonzero(missing[:, i]), X.iloc[:, i].copy()
        if column.dtype.kind == "O":
            column = column.astype(np.float64)
        is_whole = pandas.api.types.is_integer_dtype(column.dtype)
        new = np.rint(values[rows, i]) if is_whole else values[rows, i]
        column.iloc[rows] = pandas.Series(new).astype(column.dtype).array
        X.isetitem(i, column)
    return X


def _polars(X: Any, values: Array, missing: Array) -> Any:
    polars = sys.modules["polars"]
    columns = []
    for i in np.flatnonzero(missing.any(0)):
        column = X[:, int(i)]
        new = polars.Series(np.rint(values[:, i]) if column.dtype.is_integer() else values[:, i]).cast(column.dtype)
        columns.append(new.zip_with(polars.Series(missing[:, i]), column).alias(column.name))
    return X.with_columns(columns)
