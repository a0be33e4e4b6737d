"""Statistics of rows, streamed in float64: per column, per pair of columns, and the rows' mean norm."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import DataError, RecipeError
from .fingerprint import read_blocks
from .sources import Source, is_sparse
from .stored_moments import LARGEST, stored_moments

if TYPE_CHECKING:
    from scipy.sparse import csr_array

EPSILON = float(np.finfo(np.float64).eps)
SMALLEST = float(np.finfo(np.float32).tiny)
PART_NUMBERS = 1 << 19  # most numbers of it that are held in float64: 4 MB


class Moments:
    """Statistics of all rows [N, D] added so far; any split into blocks gives the same, up to rounding.

    Parameters
    ----------
    with_products : bool, default=False
        Whether to keep the columns' products as well, [D, D].

    Attributes
    ----------
    count : int
        N, the number of rows added.
    missing : array of shape [D], int64
        Number of missing values (NaN) of each column. They enter none of the other statistics.
    norm : float
        Mean of the rows' Euclidean norms; in a row with missing values √(D / known) times that of its known values.
    mean : array of shape [D], float64
        Mean of each column; 0 where no value is known.
    squares : array of shape [D], float64
        Σ (x - mean)² of each column.
    low, high : arrays of shape [D], float64
        Least and greatest value of each column; where none is known, the largest float64 and minus that.
    products : array of shape [D, D], float64
        Σ (x - mean)(x - mean)'; empty without `with_products`.
    quantiles : array of shape [Q, D], float64
        Each column's quantiles, if `measure_quantiles` set them; else empty. Rows that are added do not change them,
        and `to_arrays` leaves them out.
    lengths : (float, float)
        The median and the mean of the rows' lengths around a centre, if `measure_lengths` set them; else (0, 0). As
        `quantiles`.

    Notes
    -----
    Blocks are merged by Chan, Golub and LeVeque's pairwise update (1979), which keeps its digits where the mean is
    large. Before the first row, all arrays are empty. Where squares exceed the largest float64, `squares` are not
    finite.

    Examples
    --------
    >>> m = Moments().add([[0.0, 5.0], [2.0, 5.0]]).add([[4.0, 5.0]])
    >>> m.count, m.mean.tolist(), m.low.tolist(), m.constant.tolist()
    (3, [2.0, 5.0], [0.0, 5.0], [False, True])
    """

    quantiles: NDArray[np.float64] = np.zeros((0, 0))
    lengths: tuple[float, float] = (0.0, 0.0)

    def __init__(self, *, with_products: bool = False) -> None:
        self.count, self.with_products = 0, with_products
        self.norm = 0.0
        self.missing: NDArray[np.int64] = np.zeros(0, np.int64)
        self.mean: NDArray[np.float64] = np.zeros(0)
        self.squares: NDArray[np.float64] = np.zeros(0)
        self.low: NDArray[np.float64] = np.zeros(0)
        self.high: NDArray[np.float64] = np.zeros(0)
        self.products: NDArray[np.float64] = np.zeros((0, 0))

    def add(self, rows: ArrayLike | csr_array) -> Self:
        """Add rows [B, D], dense or sparse, in float64, and return the moments themselves.

        Of sparse rows only the entries are read; with products they must be dense.
        """
        if hasattr(rows, "indptr"):
            return self._add_sparse(rows)
        x = np.asarray(rows)
        if x.ndim != 2:
            raise DataError(f"rows must be an array [rows, columns], not one of shape {list(x.shape)}")
        if not x.size:
            return self
        block = Moments(with_products=self.with_products)
        # rows and columns in parts, so that little is held in float64 at a time
        n_rows, n_columns = (max(PART_NUMBERS // n, 1) for n in reversed(x.shape))
        parts = (np.asarray(x[start : start + n_rows], np.float64) for start in range(0, len(x), n_rows))
        block.norm = float(np.concatenate([_norms(part) for part in parts]).mean())
        columns = [_of_columns(x[:, start : start + n_columns]) for start in range(0, x.shape[1], n_columns)]
        block.count = len(x)
        block.missing, *others = map(np.concatenate, zip(*columns, strict=True))
        block.mean, block.squares, block.low, block.high = others
        if self.with_products:
            centred = x - block.mean
            block.products = centred.T @ centred
        return self.merge(block)

    def _add_sparse(self, rows: Any) -> Self:
        if not rows.shape[0]:
            return self
        block = Moments()
        block.count = rows.shape[0]
        block.norm, block.missing, block.mean, block.squares, block.low, block.high = stored_moments(rows)
        return self.merge(block)

    def merge(self, other: Moments) -> Self:
        """Add all rows of other moments, which stay as they are, and return the moments themselves.

        Raises
        ------
        DataError
            The others have another number of columns, or they lack the products that these keep.
        """
        if not other.count:
            return self
        if self.with_products and not other.with_products:
            raise DataError("moments with products cannot take rows without; measure those with with_products=True")
        if not self.count:
            self.count, self.norm, self.mean, self.squares = other.count, other.norm, other.mean, other.squares
            self.missing, self.low, self.high = other.missing, other.low, other.high
            self.products = other.products if self.with_products else self.products
            self.quantiles, self.lengths = other.quantiles, other.lengths
            return self
        if len(self.mean) != len(other.mean):
            raise DataError(f"moments of {len(self.mean)} columns cannot take rows of {len(other.mean)}")
        n, delta = self.known, other.mean - self.mean
        m, rows = other.known, other.count / (self.count + other.count)
        total = n + m
        if self.with_products:
            self.products = self.products + other.products + np.outer(delta, delta) * (n * m / total)
        self.norm += (other.norm - self.norm) * rows
        if isinstance(total, np.ndarray):
            total = np.maximum(total, 1.0)  # no value is known: nothing is divided
        self.squares = self.squares + other.squares + np.square(delta) * (n * m / total)
        self.mean = self.mean + delta * (m / total)
        self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        single_valued = self.low == self.high
        self.mean = np.where(single_valued, self.low, self.mean)
        self.squares = np.where(single_valued, 0.0, self.squares)
        self.count, self.missing = self.count + other.count, self.missing + other.missing
        return self

    def without_products(self) -> Self:
        """Return the same moments without the columns' products."""
        moments = copy(self)
        moments.with_products, moments.products = False, np.zeros((0, 0))
        return moments

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything but quantiles and lengths as arrays by name; `from_arrays` is the inverse."""
        return {name: np.asarray(value) for name, value in vars(self).items() if name not in ("quantiles", "lengths")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the moments that `to_arrays` wrote.

        Raises
        ------
        RecipeError
            An array is missing, unknown, or has another shape than the others require.
        """
        moments = cls()
        if arrays.keys() != vars(moments).keys():
            raise RecipeError(f"{min(arrays.keys() ^ vars(moments).keys())!r} is missing or unknown among the moments")
        for name, array in arrays.items():
            if array.ndim != np.ndim(getattr(moments, name)):
                raise RecipeError(f"{name!r} of the moments has {array.ndim} axes")
            setattr(moments, name, array if array.ndim else array.item())
        n = len(moments.mean)
        products = (n, n) if moments.with_products and moments.count else (0, 0)
        if moments.products.shape != products or _lengths(moments) != {n}:
            raise RecipeError("the moments describe different numbers of columns")
        return moments

    @property
    def known(self) -> int | NDArray[np.float64]:
        """The number of known values of each column [D]; one number, N, if none is missing."""
        return np.asarray(self.count - self.missing, np.float64) if self.missing.any() else self.count

    @property
    def variance(self) -> NDArray[np.float64]:
        """Variance of each column [D], with the number of known values as divisor; 0 where it holds one value only."""
        return np.asarray(self.squares / np.maximum(self.known, 1))

    @property
    def correlation(self) -> NDArray[np.float64]:
        """Correlations of the columns [D, D], given `with_products`; a constant column correlates with itself only."""
        std = np.sqrt(np.where(self.constant, 1.0, self.squares))
        correlation: NDArray[np.float64] = self.products / std / std[:, None]
        correlation[self.constant] = correlation[:, self.constant] = 0
        np.fill_diagonal(correlation, 1.0)
        return correlation

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Whether each column [D] holds one value only, but for rounding.

        Notes
        -----
        Its variance v is at most N ε v + (N ε mean)², with the ε of float64: rounding alone can cause so much. It is
        the bound of scikit-learn's StandardScaler. A deviation below the smallest normal number of float32, 1.2e-38,
        counts as none: float32 cannot hold its inverse.
        """
        rounding = self.known * EPSILON
        # the root of both sides: neither squares of huge means nor those of tiny ones leave the range of float64
        deviation = np.sqrt(self.variance * (1 - rounding))
        return np.asarray((deviation <= rounding * np.abs(self.mean)) | (deviation < SMALLEST))


def _lengths(moments: Moments) -> set[int]:
    return {len(array) for array in (moments.missing, moments.squares, moments.low, moments.high)}


def _of_columns(rows: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Return the number of missing values, mean, Σ (x - mean)², least and greatest value of each column of an array."""
    x = np.asarray(rows, np.float64)
    low, high, mean = x.min(0), x.max(0), x.mean(0)
    missing, known = np.zeros(x.shape[1], np.int64), np.isfinite(low)
    # The mean of a constant column is exactly its value and its variance is 0, whatever the sum's rounding.
    if known.all():
        mean = np.where(low == high, low, mean)
        return missing, mean, np.asarray(np.square(x - mean).sum(0)), low, high
    known = ~np.isnan(x)
    missing = len(x) - known.sum(0)
    low, high = np.where(known, x, LARGEST).min(0), np.where(known, x, -LARGEST).max(0)
    mean = np.where(known, x, 0.0).sum(0) / np.maximum(len(x) - missing, 1)
    mean = np.where(low == high, low, mean)
    return missing, mean, np.square(np.where(known, x - mean, 0.0)).sum(0), low, high


def _norms(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the norm of each row of a float64 array, estimated where values are missing."""
    norms = np.linalg.norm(x, axis=1)
    if not np.isnan(norms).any():
        return np.asarray(norms)
    known = ~np.isnan(x)
    share = np.maximum(known.mean(1), 1 / x.shape[1])
    return np.asarray(np.linalg.norm(np.where(known, x, 0.0), axis=1) / np.sqrt(share))


def measure_moments(source: Source, block: int | None = None, *, with_products: bool = False) -> Moments:
    """Return the moments of all rows of a source.

    Parameters
    ----------
    source : Source
        N rows with D numbers each.
    block : int, optional
        How many rows are read at a time; by default 8,192, of wide rows fewer: 8 million numbers. Of sparse rows
        these are the entries other than 0.
    with_products : bool, default=False
        Whether to keep the columns' products as well, [D, D].

    Returns
    -------
    Moments

    Raises
    ------
    DataError
        Squares of the values exceed the largest float64; the message names the column.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> measure_moments(Rows(np.array([[1.0, 2.0], [3.0, 2.0]]))).variance.tolist()
    [1.0, 0.0]
    """
    moments = Moments(with_products=with_products)
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in read_blocks(source, block, sparse=is_sparse(source) and not with_products):
            moments.add(rows)
    check_squares(source, moments)
    return moments


def check_squares(source: Source, moments: Moments) -> None:
    """Raise DataError, which names a column of the source, if squares of its values exceed the largest float64."""
    if np.isfinite([moments.norm, *moments.squares]).all():
        return
    largest = np.maximum(np.abs(moments.low), np.abs(moments.high))
    column = int(largest.argmax())
    name = repr(source.columns[column]) if source.columns else str(column)
    raise DataError(
        f"column {name} holds values up to {largest[column]:.3g}, whose squares exceed the largest float64; "
        f"divide the column by {10.0 ** int(np.log10(largest[column])):.0e}"
    )
