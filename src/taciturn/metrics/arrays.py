"""What a caller hands over, arrays, tensors or SciPy's, in the form that measures compute with."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..core.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csc_array

Floats = NDArray[np.float64]

BLOCK = 1024  # dictionary rows whose cosines are formed at once


def plain(array: Any) -> NDArray[Any]:
    """Return an array or a tensor, wherever it lies, as NumPy's."""
    return np.asarray(array.detach().cpu() if isinstance(array, Tensor) else array)


def table(array: Any, name: str) -> Floats:
    """Return finite numbers [rows, columns] in float64."""
    numbers = np.asarray(plain(array), np.float64)
    if numbers.ndim != 2 or 0 in numbers.shape:
        raise DataError(f"{name} has shape {numbers.shape}; give [rows, columns], at least one of each")
    if not np.isfinite(numbers).all():
        raise DataError(f"{name} holds NaN or infinity; a model that diverged has no directions to measure")
    return numbers


def unit(dictionary: Any, name: str = "dictionary") -> Floats:
    """Return a dictionary's rows [L, D] at length 1; a row of zeros stays so, and its cosine with any other is 0."""
    rows = table(dictionary, name)
    rows = rows / np.maximum(np.abs(rows).max(1, keepdims=True), np.finfo(np.float64).tiny)  # squares stay finite
    lengths = np.sqrt(np.square(rows).sum(1, keepdims=True))
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float64).tiny))


def pair(found: Any, truth: Any) -> tuple[Floats, Floats]:
    """Return two dictionaries of one width, at unit length."""
    found, truth = unit(found, "found"), unit(truth, "truth")
    if found.shape[1] != truth.shape[1]:
        raise DataError(f"found has rows of {found.shape[1]} numbers, truth of {truth.shape[1]}; give the same inputs")
    return found, truth


def blocks(n_rows: int) -> Iterator[slice]:
    """Yield slices of at most BLOCK rows that cover them all."""
    for start in range(0, n_rows, BLOCK):
        yield slice(start, min(start + BLOCK, n_rows))


def columns(codes: Any, name: str) -> "csc_array[Any]":
    """Return codes [rows, latents], dense or SciPy sparse, as a copy by latent that stores no zeros."""
    from scipy.sparse import csc_array, issparse  # slow to import

    whatever: Any = codes if issparse(codes) else plain(codes)
    by_latent = csc_array(whatever, copy=True)
    if by_latent.ndim != 2 or not np.isfinite(by_latent.data).all():
        raise DataError(f"{name} must be finite numbers [rows, columns]; these have shape {by_latent.shape}")
    by_latent.eliminate_zeros()
    return by_latent


def fires(codes: Any, name: str) -> "csc_array[Any]":
    """Return 1 where codes are not 0 [rows, latents], by latent."""
    by_latent = columns(codes, name)
    by_latent.data = np.ones(by_latent.nnz)
    return by_latent
