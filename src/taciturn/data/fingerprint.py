"""A fingerprint of rows: their number, type and a checksum of each block of all rows, or of a part of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from .sources import Ranges, Source, is_sparse, stored_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

BLOCK_ROWS = 8192
BLOCK_NUMBERS = 1 << 23  # most numbers of a block of rows that is read
DIGEST_BYTES = 16


@dataclass(frozen=True)
class Fingerprint:
    """What identifies rows: equal for equal numbers of the same type in the same order.

    That of a part does not tell rows apart that differ outside of it.

    Parameters
    ----------
    count : int
        The number of rows.
    dtype : str
        The rows' type as NumPy writes it, little-endian, such as "<f8".
    blocks : tuple of str
        The BLAKE2b checksum of each block of 8,192 rows, 32 hexadecimal digits. Of a part, these are rows of the part.
    sparse : bool, default=False
        Whether the checksums are those of the entries other than 0, as of sparse rows, and not of all numbers.
    ranges : tuple of (int, int), default=()
        What the part consists of: the first row of each range and the row after its last one. (): all rows.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> rows = np.arange(6.0).reshape(3, 2)
    >>> fingerprint(Rows(rows)) == fingerprint(Rows(rows.copy())) != fingerprint(Rows(rows[:2]))
    True
    """

    count: int
    dtype: str
    blocks: tuple[str, ...]
    sparse: bool = False
    ranges: tuple[tuple[int, int], ...] = ()

    @property
    def text(self) -> str:
        """A short text: 16 hexadecimal digits of the checksum of everything."""
        whole = f"{self.count} {self.dtype} {' '.join(self.blocks)}{self.ranges or ''}"
        return hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()

    def matches(self, source: Source) -> bool:
        """Return whether this is the fingerprint of rows, which may be stored in another way: sparse, or dense.

        The rows are read only if their number is right; of a fingerprint of a part, these alone.
        """
        return len(source) == self.count and fingerprint(source, sparse=self.sparse, ranges=self.ranges) == self

    def of_part(self, count: int, ranges: Sequence[tuple[int, int]]) -> Fingerprint:
        """Return the fingerprint of `count` rows of which these are a part: the rows in some ranges."""
        return replace(self, count=count, ranges=tuple(ranges))

    def first_difference(self, other: Fingerprint) -> tuple[int, int] | None:
        """Return the first and the last row of the first block that differs; None if all rows are equal.

        Parameters
        ----------
        other : Fingerprint
            That of as many rows, or of the same part of as many.
        """
        if self == other:
            return None
        pairs = enumerate(zip(self.blocks, other.blocks, strict=False))
        block = next((i for i, (a, b) in pairs if a != b), min(len(self.blocks), len(other.blocks)))
        ranges = np.array(self.ranges or [(0, self.count)])
        before = np.concatenate([[0], (ranges[:, 1] - ranges[:, 0]).cumsum()])  # rows of the part before each range
        first, last = block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, int(before[-1])) - 1
        numbers = np.searchsorted(before, [first, last], side="right") - 1
        start, stop = (ranges[numbers, 0] + [first, last] - before[numbers]).tolist()
        return start, stop


class Fingerprinting:
    """Takes rows in blocks of any size and gives their fingerprint.

    Examples
    --------
    >>> rows = np.arange(6.0).reshape(3, 2)
    >>> Fingerprinting().add(rows[:1]).add(rows[1:]).fingerprint() == Fingerprinting().add(rows).fingerprint()
    True
    """

    def __init__(self) -> None:
        self._count, self._dtype, self._sparse = 0, "", False
        self._blocks: list[str] = []
        self._hashes = _hashes()

    def add(self, rows: NDArray[Any] | csr_array) -> Self:
        """Add the next rows [B, …], dense or as sparse rows without stored zeros, and return the object itself."""
        self._sparse = not isinstance(rows, np.ndarray)
        self._dtype = rows.dtype.newbyteorder("<").str
        while rows.shape[0]:
            part = rows[: BLOCK_ROWS - self._count % BLOCK_ROWS]
            for checksum, numbers in zip(self._hashes, _numbers(part), strict=False):
                little = numbers.dtype.newbyteorder("<")
                checksum.update(np.ascontiguousarray(numbers, little).reshape(-1).view(np.uint8).data)
            self._count += part.shape[0]
            if self._count % BLOCK_ROWS == 0:
                self._blocks.append(self._digest())
                self._hashes = _hashes()
            rows = rows[part.shape[0] :]
        return self

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of all rows added so far."""
        rest = [self._digest()] if self._count % BLOCK_ROWS else []
        return Fingerprint(self._count, self._dtype, (*self._blocks, *rest), self._sparse)

    def _digest(self) -> str:
        first, *others = self._hashes
        if not self._sparse:
            return first.hexdigest()
        whole = b"".join(each.digest() for each in (first, *others))
        return hashlib.blake2b(whole, digest_size=DIGEST_BYTES).hexdigest()


def fingerprint(
    source: Source,
    block: int | None = None,
    *,
    sparse: bool | None = None,
    ranges: Sequence[tuple[int, int]] = (),
) -> Fingerprint:
    """Return the fingerprint of all rows of a source, or of a part of them.

    Parameters
    ----------
    source : Source
        The rows.
    block : int, optional
        How many rows are read at a time; the fingerprint does not depend on it.
    sparse : bool, optional
        Whether to take the checksums of the entries other than 0, which is quick for sparse rows, or of all numbers.
        By default as the source is.
    ranges : sequence of (int, int), default=()
        The part, as ranges of rows: ascending, none empty, none overlaps another. (): all rows.

    Returns
    -------
    Fingerprint

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from taciturn.data.sources import Rows, SparseRows
    >>> rows = SparseRows(csr_array(np.eye(3)))
    >>> fingerprint(rows) == fingerprint(Rows(np.eye(3)), sparse=True) != fingerprint(rows, sparse=False)
    True
    """
    rows, part = Fingerprinting(), Ranges(source, np.array(ranges)) if ranges else source
    for numbers in read_blocks(part, block, sparse=is_sparse(source) if sparse is None else sparse):
        rows.add(numbers)
    found = rows.fingerprint()
    return found.of_part(len(source), ranges) if ranges else found


def read_blocks(source: Source, block: int | None = None, *, sparse: bool) -> Iterator[NDArray[Any] | csr_array]:
    """Yield all rows of a source in blocks of at most 8,192 rows and about 8 million numbers.

    Parameters
    ----------
    source : Source
        The rows.
    block : int, optional
        The number of rows of a block, instead.
    sparse : bool
        Whether to yield the entries other than 0, which are much fewer for sparse rows.

    Yields
    ------
    array or csr_array [B, n_columns]
    """
    start, size = 0, block or max(min(BLOCK_ROWS, BLOCK_NUMBERS // max(prod(source.shape), 1)), 1)
    while start < len(source):
        stop = min(start + size, len(source))
        if not sparse:
            yield source.read(start, stop)
        else:
            rows = stored_rows(source, slice(start, stop))
            if rows is None:
                from scipy.sparse import csr_array

                rows = csr_array(source.read(start, stop))
            elif block is None:  # the next block holds as many rows as entries allow
                size = max(min(BLOCK_ROWS, BLOCK_NUMBERS * (stop - start) // max(rows.nnz, 1)), 1)
            yield rows
        start = stop


def _hashes() -> list[hashlib.blake2b]:
    """Return the checksums of a block: of all numbers, or of the sparse rows' lengths, columns and values."""
    return [hashlib.blake2b(digest_size=DIGEST_BYTES) for _ in range(3)]


def _numbers(rows: NDArray[Any] | csr_array) -> list[NDArray[Any]]:
    """Return the arrays whose bytes are the rows' checksums."""
    if isinstance(rows, np.ndarray):
        return [rows]
    lengths = np.column_stack([np.diff(rows.indptr), np.full(rows.shape[0], rows.shape[1])])
    return [lengths.astype(np.int64), rows.indices.astype(np.int64), rows.data]
