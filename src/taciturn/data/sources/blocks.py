"""Blocks of rows on their way into a file, checked while they stream; used by every writer."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from ...core.errors import DataError
from .source import Array


class Blocks:
    """Blocks of rows to be written, each checked and converted to the type of the first one.

    Parameters
    ----------
    blocks : iterable of arrays [rows, n_columns]
        Read once; only one block is in memory at a time. At least one, which may have no rows.
    n_rows : int
        Number of rows in all blocks together.
    columns : sequence of str, optional
        Names of the columns.
    shape : tuple of int, optional
        Shape of a row; (n_columns,) by default.
    ids : sequence, optional
        An id for each row: numbers, or texts.
    integers : collection of int, default=()
        The positions of columns that tables hold as rounded integers.

    Attributes
    ----------
    dtype : numpy.dtype
        Type of the first block, in the machine's byte order.

    Raises
    ------
    DataError
        There is no block, or its shape or number of columns does not fit. Iterating raises it where a later block has
        another number of columns, or the blocks do not hold `n_rows` rows.
    """

    def __init__(
        self,
        blocks: Iterable[Array],
        *,
        n_rows: int,
        columns: Sequence[str] | None = None,
        shape: tuple[int, ...] | None = None,
        ids: Sequence[Any] | None = None,
        integers: Collection[int] = (),
    ) -> None:
        rest = iter(blocks)
        first = next(rest, None)
        if first is None:
            raise DataError("there is no block to write; give at least one (it may have no rows)")
        if first.ndim != 2:
            raise DataError(f"a block must be [rows, n_columns], not {first.shape}; flatten its rows")
        if columns is not None and len(columns) != first.shape[1]:
            raise DataError(f"{len(columns)} names were given for {first.shape[1]} columns; give one name per column")
        if ids is not None and len(ids) != n_rows:
            raise DataError(f"{len(ids)} ids were given for {n_rows} rows; give one id per row")
        self.ids, self.integers = ids, frozenset(integers)
        self._first, self._blocks = first, chain([first], rest)
        self.n_rows, self.columns, self.shape = n_rows, columns, first.shape[1:] if shape is None else shape
        self.dtype: np.dtype[np.generic] = first.dtype.newbyteorder("=")

    @property
    def names(self) -> Sequence[str]:
        """The columns' names; "0", "1", … where they have none."""
        return self.columns or [str(number) for number in range(self._first.shape[1])]

    def __iter__(self) -> Iterator[Array]:
        written = 0
        for block in self._blocks:
            if block.shape[1:] != self._first.shape[1:]:
                raise DataError(
                    f"a block of shape {block.shape} follows one of shape {self._first.shape}; "
                    "give all blocks the same number of columns"
                )
            written += len(block)
            yield np.ascontiguousarray(block, dtype=self.dtype)
        if written != self.n_rows:
            raise DataError(f"n_rows={self.n_rows}, but the blocks hold {written} rows; give n_rows={written}")
