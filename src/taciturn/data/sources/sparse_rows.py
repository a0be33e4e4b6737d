"""Sparse rows as a source: only their entries other than 0 are stored, and rows are made dense a block at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError
from .source import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class SparseRows:
    """A SciPy sparse matrix or array as a source. Entries that are not stored are 0, not missing.

    Parameters
    ----------
    matrix : sparse matrix or sparse array [rows, n_columns]
        Booleans, integers or floats. Compressed rows (CSR) are not copied, unless an entry is stored twice (such
        entries are added), rows are not sorted by column, or zeros are stored; other formats are converted once.
    columns : tuple of str, optional
        Names of the columns.

    Attributes
    ----------
    csr : csr_array [rows, n_columns]
        The entries other than 0, sorted by row and column.

    Raises
    ------
    DataError
        The matrix does not hold numbers or has not two axes; or `columns` does not fit.

    Examples
    --------
    >>> from scipy.sparse import coo_array
    >>> rows = SparseRows(coo_array(([1.0, 2.0, 3.0], ([0, 0, 1], [2, 2, 0]))))
    >>> rows.take([1, 0]), rows.csr.nnz
    (array([[3., 0., 0.],
           [0., 0., 3.]]), 2)
    """

    def __init__(self, matrix: Any, columns: tuple[str, ...] | None = None) -> None:
        from scipy.sparse import csr_array

        if matrix.dtype.kind not in "biuf":
            raise DataError(f"rows must hold numbers, not {matrix.dtype}; encode them as numbers")
        if matrix.ndim != 2:
            raise DataError(f"sparse rows must be an array [rows, columns], not one of {matrix.ndim} axes")
        csr = csr_array(matrix.astype(np.float32) if matrix.dtype == np.float16 else matrix)
        if not csr.has_canonical_format or not csr.data.all():
            csr = csr.copy() if np.shares_memory(csr.data, getattr(matrix, "data", ())) else csr
            csr.sum_duplicates()
            csr.eliminate_zeros()
        self.csr: csr_array = csr
        self.shape = (int(csr.shape[1]),)
        self.columns = None if columns is None else tuple(columns)
        if self.columns is not None and len(self.columns) != self.shape[0]:
            raise DataError(
                f"{len(self.columns)} names were given for {self.shape[0]} columns; give one name per column"
            )

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the entries in this machine's byte order."""
        return self.csr.dtype.newbyteorder("=")

    def __len__(self) -> int:
        return int(self.csr.shape[0])

    def stored(self, rows: slice | npt.NDArray[np.integer]) -> csr_array:
        """Return some rows with their entries other than 0; see `stored_rows`."""
        return self.csr[rows]

    def read(self, start: int, stop: int) -> Array:
        """Return the rows start … stop - 1 as a dense array [rows, n_columns]."""
        return self.csr[start:stop].toarray()

    def take(self, indices: npt.ArrayLike) -> Array:
        """Return the rows at `indices`, in that order, as a dense array [rows, n_columns]."""
        return self.csr[np.asarray(indices, dtype=np.intp)].toarray()
