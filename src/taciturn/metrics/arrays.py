"""Conversion and checks of the arrays, tensors and SciPy sparse arrays that metrics take."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..core.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csc_array

Floats = NDArray[np.float64]

BLOCK_ROWS = 1024  # most dictionary rows whose cosines are computed at once
BLOCK_NUMBERS = 1 << 20  # most cosines that are computed at once: 8 MB


def to_numpy(array: Any) -> NDArray[Any]:
    """Return an array, a list or a tensor on any device as a NumPy array."""
    return np.asarray(array.detach().cpu() if isinstance(array, Tensor) else array)


def real_array(array: Any, name: str) -> NDArray[Any]:
    """Return real numbers as a NumPy array; `name` is the argument's name in error messages."""
    try:
        numbers = to_numpy(array)
    except ValueError:
        raise DataError(f"{name} has rows of different lengths; give numbers [rows, columns]") from None
    if numbers.dtype.kind not in "biuf":
        raise DataError(f"{name} has type {numbers.dtype}; give real numbers [rows, columns]")
    return numbers


def finite_matrix(array: Any, name: str) -> Floats:
    """Return finite numbers [rows, columns] in float64; `name` is the argument's name in error messages."""
    matrix = np.asarray(real_array(array, name), np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise DataError(f"{name} has shape {matrix.shape}; give [rows, columns], at least one of each")
    if not np.isfinite(matrix).all():
        raise DataError(
            f"{name} holds NaN or infinity; give finite numbers (after a diverged fit: lower the learning rate)"
        )
    return matrix


def unit_rows(dictionary: Any, name: str = "dictionary") -> Floats:
    """Return a dictionary's rows [L, D] at norm 1; a row of zeros stays zero, so its cosine with any other is 0."""
    rows = finite_matrix(dictionary, name)
    rows = rows / np.maximum(np.abs(rows).max(1, keepdims=True), np.finfo(np.float64).tiny)  # squares stay finite
    norms = np.sqrt(np.square(rows).sum(1, keepdims=True))
    return np.asarray(rows / np.maximum(norms, np.finfo(np.float64).tiny))


def unit_dictionaries(found: Any, truth: Any) -> tuple[Floats, Floats]:
    """Return two dictionaries [L, D] and [n, D] with their rows at norm 1."""
    found, truth = unit_rows(found, "found"), unit_rows(truth, "truth")
    if found.shape[1] != truth.shape[1]:
        raise DataError(
            f"found has {found.shape[1]} columns, but truth has {truth.shape[1]}; both need the same inputs"
        )
    return found, truth


def block_slices(n_rows: int, n_columns: int = BLOCK_ROWS) -> Iterator[slice]:
    """Yield slices of rows that together cover all rows of a [rows, columns] array, BLOCK_NUMBERS of it at a time."""
    size = max(min(BLOCK_ROWS, BLOCK_NUMBERS // n_columns), 1)
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def to_csc(codes: Any, name: str) -> "csc_array[Any]":
    """Return codes [rows, latents], dense or SciPy sparse, as a new csc_array that stores no zeros."""
    from scipy.sparse import csc_array, issparse  # slow to import

    array: Any = codes if issparse(codes) else real_array(codes, name)
    if array.ndim != 2:
        raise DataError(f"{name} has shape {array.shape}; give [rows, columns]")
    by_latent = csc_array(array, copy=True)
    if not np.isfinite(by_latent.data).all():
        raise DataError(f"{name} holds NaN or infinity; give finite numbers [rows, columns]")
    by_latent.eliminate_zeros()
    return by_latent


def is_active(codes: Any, name: str) -> "csc_array[Any]":
    """Return 1 where a code is not 0, else 0 [rows, latents], as a csc_array."""
    by_latent = to_csc(codes, name)
    by_latent.data = np.ones(by_latent.nnz)
    return by_latent
