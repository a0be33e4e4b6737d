"""A fingerprint of rows: their number, type and a checksum of each block, which differs for all other rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from .sources import Source, is_sparse, stored_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

BLOCK_ROWS = 8192
BLOCK_NUMBERS = 1 << 23  # most numbers of a block of rows that is read
DIGEST_BYTES = 16


@dataclass(frozen=True)
class Fingerprint:
    """What identifies rows: equal for equal numbers of the same type in the same order.

    Parameters
    ----------
    count : int
        The number of rows.
    dtype : str
        The rows' type as NumPy writes it, little-endian, such as "<f8".
    blocks : tuple of str
        The BLAKE2b checksum of each block of 8,192 rows, 32 hexadecimal digits.
    sparse : bool, default=False
        Whether the checksums are those of the entries other than 0, as of sparse rows, and not of all numbers.

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

    @property
    def text(self) -> str:
        """A short text: 16 hexadecimal digits of the checksum of everything."""
        whole = f"{self.count} {self.dtype} {' '.join(self.blocks)}"
        return hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()

    def matches(self, source: Source) -> bool:
        """Return whether this is the fingerprint of rows, which may be stored in another way: sparse, or dense.

        The rows are read only if their number is right.
        """
        return len(source) == self.count and fingerprint(source, sparse=self.sparse) == self

    def first_difference(self, other: Fingerprint) -> int | None:
        """Return the number of the first row of the first block that differs; None if all rows are equal."""
        if self == other:
            return None
        pairs = enumerate(zip(self.blocks, other.blocks, strict=False))
        block = next((i for i, (a, b) in pairs if a != b), min(len(self.blocks), len(other.blocks)))
        return block * BLOCK_ROWS


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


def fingerprint(source: Source, block: int | None = None, *, sparse: bool | None = None) -> Fingerprint:
    """Return the fingerprint of all rows of a source.

    Parameters
    ----------
    source : Source
        The rows.
    block : int, optional
        How many rows are read at a time; the fingerprint does not depend on it.
    sparse : bool, optional
        Whether to take the checksums of the entries other than 0, which is quick for sparse rows, or of all numbers.
        By default as the source is.

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
    rows = Fingerprinting()
    for part in read_blocks(source, block, sparse=is_sparse(source) if sparse is None else sparse):
        rows.add(part)
    return rows.fingerprint()


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
