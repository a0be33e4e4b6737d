"""What every writer needs of the blocks that stream through it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np

from ...core.errors import DataError
from .source import Array


class Blocks:
    """Blocks [rows, n_columns] to be written, one by one with the first one's type, checked against what was promised.

    `columns` are the columns' names, None where they have none; `shape` is that of a row.
    """

    def __init__(
        self,
        blocks: Iterable[Array],
        *,
        n_rows: int,
        columns: Sequence[str] | None = None,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        rest = iter(blocks)
        first = next(rest, None)
        if first is None:
            raise DataError("there is no block to write; give at least one, of no rows if need be")
        if first.ndim != 2:
            raise DataError(f"a block must be [rows, n_columns], not {first.shape}; flatten its rows")
        if columns is not None and len(columns) != first.shape[1]:
            raise DataError(f"{len(columns)} names were given for {first.shape[1]} columns")
        self._like, self._blocks = first, chain([first], rest)
        self.n_rows, self.columns, self.shape = n_rows, columns, shape or first.shape[1:]
        self.dtype: np.dtype[np.generic] = first.dtype.newbyteorder("=")

    @property
    def names(self) -> Sequence[str]:
        """The columns' names, 0, 1, … where they have none."""
        return self.columns or [str(number) for number in range(self._like.shape[1])]

    def __iter__(self) -> Iterator[Array]:
        written = 0
        for block in self._blocks:
            if block.shape[1:] != self._like.shape[1:]:
                raise DataError(f"a block of {block.shape} follows one of {self._like.shape}; all need one width")
            written += len(block)
            yield np.ascontiguousarray(block, dtype=self.dtype)
        if written != self.n_rows:
            raise DataError(f"n_rows={self.n_rows}, but the blocks held {written} rows")
