"""Errors of scikit-learn's input validation, raised again with the place of the mistake and a mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from ..core.errors import DataError, DataTypeError
from ..core.messages import one_line
from ..data.missing_values import with_nan
from .frame_columns import check_frame


@contextmanager
def clear_messages(X: Any, *, min_rows: int = 1) -> Iterator[Any]:
    """Raise errors of the block, which validates X, as errors that name the place and the mend.

    Parameters
    ----------
    X : object
        The rows that the block validates.
    min_rows : int, default=1
        The number of rows that the block requires; the mend names it.

    Yields
    ------
    object
        The rows with NaN for missing values of all kinds; see `with_nan`.

    Raises
    ------
    DataError
        A column is not numeric, or the block raised ValueError, OverflowError or RuntimeError.
    DataTypeError
        The block raised TypeError.

    Notes
    -----
    scikit-learn's message is a part of the new one, because scikit-learn's own estimator checks search for it.

    Examples
    --------
    >>> from sklearn.utils import check_array
    >>> X = [[1.0, 2.0], [3.0, "x"]]
    >>> with clear_messages(X) as rows:
    ...     check_array(rows, dtype="numeric")
    Traceback (most recent call last):
    taciturn.core.errors.DataError: row 1, column 1: could not convert string to float: 'x'; drop or encode such columns
    """
    check_frame(X)
    try:
        yield with_nan(X)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        kind = DataTypeError if isinstance(error, TypeError) else DataError
        raise kind(_message(X, error, min_rows)) from error


@contextmanager
def message_prefix(argument: str) -> Iterator[None]:
    """Put the name of an argument before the message of a DataError, for calls that take several sets of rows.

    Parameters
    ----------
    argument : str
        The argument's name, such as "target".

    Raises
    ------
    DataError
        The block raised one; the type is kept.

    Examples
    --------
    >>> with message_prefix("target"):
    ...     raise DataError("row 0 is empty; drop it")
    Traceback (most recent call last):
    taciturn.core.errors.DataError: target: row 0 is empty; drop it
    """
    try:
        yield
    except DataError as error:
        raise type(error)(f"{argument}: {error}") from error


def _message(X: Any, error: Exception, min_rows: int) -> str:
    first_line, _, other_lines = str(error).partition("\n")
    if hasattr(X, "columns") and (other_lines or isinstance(error, TypeError)):
        return _column_names_message(error)
    first_line = first_line.rstrip(":.")  # the other lines print the numbers
    try:
        array: Any = X if issparse(X) else np.asarray(X)
    except ValueError:
        return f"{_ragged_row(X) or first_line}; give every row as many numbers"
    except (TypeError, RuntimeError):
        # torch's message names the mend, except for types that NumPy does not have: bfloat16, float8
        return f"{first_line}; give X.float()" if "unsupported ScalarType" in first_line else first_line
    return _not_a_number(array) or f"{first_line}. {_mend(X, array, min_rows)}"


def _column_names_message(error: Exception) -> str:
    if isinstance(error, TypeError):
        return str(error)  # a column's name is not a string; scikit-learn's message names the mend
    # scikit-learn's estimator checks require all lines of its message
    return f"{error}Give the columns that the model was trained on, in their order: X[list(model.feature_names_in_)]"


def _mend(X: Any, array: Any, min_rows: int) -> str:
    if isinstance(X, str):
        return f"Read the rows of a file or a data set: taciturn.datasets.load({X!r})"
    if array.ndim == 0:
        return "Give rows: [[…], …]"
    if not array.shape[0] or (array.ndim == 2 and array.shape[0] < min_rows):
        return f"Give {min_rows} or more rows"
    if array.ndim == 1:
        return "Reshape your data: X.reshape(-1, 1) if it is one column, X.reshape(1, -1) if it is one row"
    if array.ndim > 2:
        n_rows = "X.shape[0]" if issparse(X) else "len(X)"
        return f"Flatten each row: X.reshape({n_rows}, -1)"
    if array.shape[1] == 0:
        return "Give one or more columns"
    if array.dtype.kind in "OSU":
        return "Write X.astype(float)"
    return "Give X.real, or abs(X)" if array.dtype.kind == "c" else "Give the columns that the model was trained on"


def _not_a_number(array: NDArray[Any]) -> str:
    """Return the place of the first cell that cannot be converted to a number, and the mend; "" if there is none."""
    if array.ndim != 2 or array.dtype.kind not in "OSU":
        return ""
    for row, cells in enumerate(array.tolist()):
        for column, cell in enumerate(cells):
            try:
                float(cell)
            except (TypeError, ValueError, OverflowError) as error:
                return f"row {row}, column {column}: {one_line(error)}; drop or encode such columns"
    return ""


def _ragged_row(X: Any) -> str:
    """Return a description of the first row that is not as long as row 0; "" if all are."""
    lengths = [len(row) if hasattr(row, "__len__") else 1 for row in X]
    ragged = next((row for row, length in enumerate(lengths) if length != lengths[0]), None)
    return "" if ragged is None else f"row {ragged} has {lengths[ragged]} numbers, row 0 has {lengths[0]}"
