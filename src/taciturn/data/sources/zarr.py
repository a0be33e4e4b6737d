"""Zarr arrays, of version 2 and 3, as shards that are read by chunks."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError
from ...core.messages import listed, one_line
from .shards import BLOCK_BYTES
from .source import Array

_MARKS = (".zarray", ".zgroup", "zarr.json")


def is_zarr(path: str | os.PathLike[str]) -> bool:
    """Return whether a folder is a Zarr array or group.

    Examples
    --------
    >>> is_zarr(".")
    False
    """
    return any(os.path.exists(os.path.join(path, mark)) for mark in _MARKS)


class ZarrShard:
    """A Zarr array [rows, ...]. Blocks are whole chunks, of about a megabyte or more.

    Parameters
    ----------
    path : str
        The array's folder.

    Raises
    ------
    DataError
        zarr is not installed, or the folder is a group of arrays, or the array does not hold numbers.
    """

    columns = None
    identity = None  # an array's chunks are files of their own

    def __init__(self, path: str) -> None:
        try:
            import zarr
        except ImportError as error:
            raise DataError("Zarr needs the package zarr: pip install taciturn[zarr]") from error
        array: Any = zarr.open(path, mode="r")
        if not hasattr(array, "shape"):
            names = sorted(name for name, _ in array.arrays())
            example = f"; name one, as in {one_line(path)}/{names[0]}" if names else ""
            raise DataError(f"it is a group of {len(names)} arrays, {listed(names) or 'none'}{example}")
        if array.dtype.kind not in "biuf" or not array.shape:
            raise DataError(f"rows must be an array [rows, ...] of numbers, not {array.dtype} {array.shape}")
        self.name, self._array = one_line(path), array
        self.shape, self.dtype = tuple(array.shape), array.dtype.newbyteorder("=")

    @property
    def blocks(self) -> npt.NDArray[np.int64]:
        """Bounds of the blocks."""
        chunk: int = (getattr(self._array, "shards", None) or self._array.chunks)[0]
        row_bytes = max(int(np.prod(self.shape[1:])) * self.dtype.itemsize, 1)
        size = chunk * max(BLOCK_BYTES // (row_bytes * chunk), 1)
        return np.append(np.arange(0, self.shape[0], size), self.shape[0])

    def read_into(self, start: int, rows: Array) -> None:
        """Read the rows from `start` on into an array [rows, n_columns]."""
        rows[...] = self._array[start : start + len(rows)].reshape(rows.shape)
