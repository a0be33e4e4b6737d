"""A fingerprint of rows: their number, type and a checksum of each block, which differs for all other rows."""

import hashlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .sources import Source

BLOCK_ROWS = 8192
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

    @property
    def text(self) -> str:
        """A short text: 16 hexadecimal digits of the checksum of everything."""
        whole = f"{self.count} {self.dtype} {' '.join(self.blocks)}"
        return hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()

    def first_difference(self, other: "Fingerprint") -> int | None:
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
        self._count, self._dtype = 0, ""
        self._blocks: list[str] = []
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)

    def add(self, rows: NDArray[Any]) -> Self:
        """Add the next rows [B, …], and return the object itself."""
        little = rows.dtype.newbyteorder("<")
        self._dtype = little.str
        while len(rows):
            part = rows[: BLOCK_ROWS - self._count % BLOCK_ROWS]
            self._hash.update(np.ascontiguousarray(part, little).view(np.uint8).data)
            self._count += len(part)
            if self._count % BLOCK_ROWS == 0:
                self._blocks.append(self._hash.hexdigest())
                self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)
            rows = rows[len(part) :]
        return self

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of all rows added so far."""
        rest = [self._hash.hexdigest()] if self._count % BLOCK_ROWS else []
        return Fingerprint(self._count, self._dtype, (*self._blocks, *rest))


def fingerprint(source: Source, block: int = BLOCK_ROWS) -> Fingerprint:
    """Return the fingerprint of all rows of a source.

    Parameters
    ----------
    source : Source
        The rows.
    block : int, default=8192
        How many rows are read at a time; the fingerprint does not depend on it.

    Returns
    -------
    Fingerprint
    """
    rows = Fingerprinting()
    for start in range(0, len(source), block):
        rows.add(source.read(start, min(start + block, len(source))))
    return rows.fingerprint()
