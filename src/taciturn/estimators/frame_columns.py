"""Checks of a data frame's columns, before scikit-learn's: their names, and whether they hold numbers."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, DataTypeError
from ..core.messages import listed, one_line, quoted


def check_frame(X: Any) -> None:
    """Raise an error for rows that are a frame of an unsupported kind, or whose columns cannot be converted to numbers.

    Parameters
    ----------
    X : object
        Rows; anything but a frame passes.

    Raises
    ------
    DataTypeError
        X is lazy, or an Arrow table.
    DataError
        Two columns have the same name, sparse columns leave out other values than 0, or columns are not numeric. The
        message names the columns and a mend.

    Examples
    --------
    >>> import pandas as pd
    >>> check_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    Traceback (most recent call last):
    taciturn.core.errors.DataError: two columns are called 'a'; give each column its own name (X.columns = [...])
    """
    if hasattr(X, "collect_schema") and not hasattr(X, "to_numpy"):
        raise DataTypeError("the rows are a lazy frame; give X.collect()")
    if hasattr(X, "column_names") and hasattr(X, "to_pandas"):
        raise DataTypeError("the rows are an Arrow table; give X.to_pandas()")
    if not hasattr(X, "columns") or not hasattr(X, "__getitem__"):
        return
    repeated = [name for name, count in Counter(X.columns).items() if count > 1]
    if repeated:
        raise DataError(
            f"two columns are called {quoted(repeated[0])}; give each column its own name (X.columns = [...])"
        )
    if all(hasattr(dtype, "fill_value") for dtype in X.dtypes):
        _check_fill_values(X)
    else:
        _check_numeric(X)


def _check_fill_values(X: Any) -> None:
    """Raise DataError if the entries that sparse columns do not store are not 0."""
    for name, dtype in X.dtypes.items():
        if dtype.fill_value != 0:
            raise DataError(
                f"column {quoted(name)} is sparse with other values than 0 left out ({dtype.fill_value!r}); "
                "give X.sparse.to_dense()"
            )


def _check_numeric(X: Any) -> None:
    names = []
    for name in X.columns:
        try:
            column = np.asarray(X[name])
        except Exception as error:  # a type that NumPy does not have, as Polars's Int128
            cast = f"X.with_columns(polars.col({name!r}).cast(polars.Float64))"
            mend = cast if hasattr(X, "with_columns") else f"X.astype({{{name!r}: float}})"
            raise DataError(f"column {quoted(name)}: {one_line(error)}; give {one_line(mend)}") from error
        if not _is_numeric(column[~_missing(X[name], column)]):
            names.append(name)
    if names:
        subject = f"column {quoted(names[0])} is" if len(names) == 1 else f"columns {listed(names)} are"
        raise DataError(f"{subject} not numeric; drop or encode such columns (sklearn.preprocessing.OneHotEncoder)")


def _missing(series: Any, column: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which cells of a column of objects are missing, pandas' NA and NaT included."""
    has_missing = column.dtype.kind == "O" and hasattr(series, "isna")
    return np.asarray(series.isna() if has_missing else np.zeros(len(column), bool))


def _is_numeric(column: NDArray[Any]) -> bool:
    if column.ndim != 1 or column.dtype.kind != "O":
        return column.ndim == 1 and column.dtype.kind in "biuf"
    try:
        column.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return False
    return True
