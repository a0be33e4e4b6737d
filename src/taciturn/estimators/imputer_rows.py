"""The rows of an imputer: they may be empty, are read as a whole, and are recognised when they are given again."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from ..core.errors import DataTypeError, EmptyRows
from ..data.sources import Source, is_sparse

DIGEST_BYTES = 8


@contextmanager
def rows_without_values(X: Any) -> Iterator[Any]:
    """Yield rows X that may be without any known value, for a block that validates them; sparse rows are refused."""
    if is_sparse(X) or issparse(X):
        raise DataTypeError("the rows are sparse, whose missing entries are 0; give X.toarray()")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EmptyRows)  # it gets the columns' means, and need not be dropped
        yield X


def read_rows(source: Source) -> NDArray[np.float64]:
    """Return all rows of a source [N, D]."""
    return np.asarray(source.read(0, len(source)), np.float64).reshape(len(source), -1)


def row_digests(rows: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return a checksum of each row [N, D] of its own, which is the same for equal rows.

    Examples
    --------
    >>> first, second, third = row_digests(np.array([[0.0, np.nan], [-0.0, -np.nan], [1.0, 2.0]]))
    >>> bool(first == second != third)
    True
    """
    plain = np.where(np.isnan(rows), np.nan, rows + 0.0)  # one NaN, and no -0
    digests = b"".join(hashlib.blake2b(row.tobytes(), digest_size=DIGEST_BYTES).digest() for row in plain)
    return np.frombuffer(digests, "<u8").astype(np.uint64)
