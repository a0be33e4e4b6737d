"""F4. What every writer needs of the blocks that stream through it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np

from ..errors import DataError
from .source import Array


def stream(blocks: Iterable[Array], *, n_rows: int, columns: Sequence[str] | None) -> tuple[Array, Iterator[Array]]:
    """Return the first block, and all blocks one by one with its type, checked against what was promised."""
    rest = iter(blocks)
    first = next(rest, None)
    if first is None:
        raise DataError("there is no block to write; give at least one, of no rows if need be")
    if first.ndim != 2:
        raise DataError(f"a block must be [rows, n_columns], not {first.shape}; flatten its rows")
    if columns is not None and len(columns) != first.shape[1]:
        raise DataError(f"{len(columns)} names were given for {first.shape[1]} columns")
    return first, _checked(chain([first], rest), like=first, n_rows=n_rows)


def _checked(blocks: Iterable[Array], *, like: Array, n_rows: int) -> Iterator[Array]:
    dtype = like.dtype.newbyteorder("=")
    written = 0
    for block in blocks:
        if block.shape[1:] != like.shape[1:]:
            raise DataError(f"a block of {block.shape} follows one of {like.shape}; all need one width")
        written += len(block)
        yield np.ascontiguousarray(block, dtype=dtype)
    if written != n_rows:
        raise DataError(f"n_rows={n_rows}, but the blocks held {written} rows")
