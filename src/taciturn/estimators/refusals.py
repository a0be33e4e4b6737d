"""What scikit-learn refuses to take for rows: it says what is wrong, seldom where, and hardly ever what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError, DataTypeError


@contextmanager
def explained(X: Any, *, least: int = 1) -> Iterator[None]:
    """Raise what the block's check refuses of X once more, as a DataError with the place and the mend."""
    _refuse_categories(X)
    try:
        yield
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        kind = DataTypeError if isinstance(error, TypeError) else DataError
        raise kind(_explanation(X, error, least)) from error


@contextmanager
def named(what: str) -> Iterator[None]:
    """Say of refused rows which ones they are, where a call is given several."""
    try:
        yield
    except DataError as error:
        raise type(error)(f"{what}: {error}") from error


def _refuse_categories(X: Any) -> None:
    """Raise DataError naming all columns of a data frame that are no numbers."""
    if not hasattr(X, "columns") or not hasattr(X, "__getitem__"):
        return
    words = [str(name) for name in X.columns if not _numeric(np.asarray(X[name]))]
    if words:
        columns = f"column {words[0]!r} is" if len(words) == 1 else f"columns {', '.join(map(repr, words))} are"
        raise DataError(f"{columns} no numbers; drop or encode such columns (sklearn.preprocessing.OneHotEncoder)")


def _numeric(column: NDArray[Any]) -> bool:
    if column.dtype.kind != "O":
        return column.dtype.kind in "biuf"
    try:
        column.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _explanation(X: Any, error: Exception, least: int) -> str:
    if isinstance(error, TypeError) and (hasattr(X, "toarray") or hasattr(X, "sparse")):
        dense = "X.toarray()" if hasattr(X, "toarray") else "X.sparse.to_dense()"
        return f"sparse data was given where rows must be dense; give {dense}"
    said, _, more = str(error).partition("\n")
    if hasattr(X, "columns") and (more or isinstance(error, TypeError)):
        return _names(error)
    said = said.rstrip(":.")  # the lines after the first print the numbers
    try:
        array = np.asarray(X)
    except ValueError:
        return f"{_ragged(X) or said}; give every row as many numbers"
    except (TypeError, RuntimeError):
        # a tensor's own words, which name the mend but where NumPy has no such numbers: bfloat16, float8
        return f"{said}; give X.float()" if "unsupported ScalarType" in said else said
    return _no_number(array) or f"{said}. {_mend(X, array, least)}"


def _names(error: Exception) -> str:
    if isinstance(error, TypeError):
        return str(error)  # a name is no text; it says what to do
    # scikit-learn's own tests ask for all of its lines
    return f"{error}Give the columns that were learnt from, in their order: X[list(model.feature_names_in_)]"


def _mend(X: Any, array: NDArray[Any], least: int) -> str:
    if isinstance(X, str):
        return f"Read the rows of a file or a data set: taciturn.datasets.load({X!r})"
    if array.ndim == 0:
        return "Give rows: [[…], …]"
    if not len(array) or (array.ndim == 2 and len(array) < least):
        return f"Give {least} or more rows"
    if array.ndim == 1:
        return "Reshape your data: X.reshape(-1, 1) if it is one column, X.reshape(1, -1) if it is one row"
    if array.ndim > 2:
        return "Flatten each row: X.reshape(len(X), -1)"
    if array.shape[1] == 0:
        return "Give one or more columns"
    if array.dtype.kind in "OSU":
        return "Write X.astype(float)"
    return "Give X.real, or abs(X)" if array.dtype.kind == "c" else "Give the columns that were learnt from"


def _no_number(array: NDArray[Any]) -> str:
    """Return the place of the first cell that no number can be made of; nothing where there is none."""
    if array.ndim != 2 or array.dtype.kind not in "OSU":
        return ""
    for row, cells in enumerate(array.tolist()):
        for column, cell in enumerate(cells):
            try:
                float(cell)
            except (TypeError, ValueError, OverflowError) as error:
                return f"row {row}, column {column}: {error}; drop or encode such columns"
    return ""


def _ragged(X: Any) -> str:
    """Return which row is the first that is not as long as row 0; nothing where all are."""
    lengths = [len(row) if hasattr(row, "__len__") else 1 for row in X]
    odd = next((row for row, length in enumerate(lengths) if length != lengths[0]), None)
    return "" if odd is None else f"row {odd} has {lengths[odd]} numbers, row 0 has {lengths[0]}"
