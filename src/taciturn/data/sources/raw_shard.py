"""Shards whose numbers lie in their files as they are: .npy, safetensors and PyTorch's files; read without a map."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError
from .shards import even_blocks
from .source import Array

if TYPE_CHECKING:
    import pyarrow

BFLOAT16 = "bfloat16"  # which NumPy lacks: such numbers are read as float32, exactly


class ShardFile(Protocol):
    """The protocol of a file, on the disk or far away, that is read at any place."""

    @property
    def name(self) -> str:
        """The file's name, for messages."""

    @property
    def n_bytes(self) -> int:
        """Its size when it was found."""

    @property
    def state(self) -> str | None:
        """What changes when the file is written again; see `file_state`."""

    def read_into(self, offset: int, content: npt.NDArray[np.uint8]) -> None:
        """Read bytes from `offset` on; several threads may do so at once."""

    def arrow(self, *, mapped: bool = False) -> pyarrow.NativeFile:
        """Return the file for pyarrow; `mapped`: what is not needed of it need not be read."""


class RawShard:
    """An array [rows, ...] in C order that begins at some byte of a file.

    Parameters
    ----------
    file : ShardFile
    offset : int
        The byte at which the array begins.
    dtype : dtype or "bfloat16"
        The type of the numbers in the file.
    shape : tuple of int
        The array's shape.

    Raises
    ------
    DataError
        The array does not hold numbers, has no axis, or does not end within the file.
    """

    columns = None

    def __init__(self, file: ShardFile, offset: int, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> None:
        self.name, self.shape, self._file, self._offset = file.name, shape, file, offset
        self._is_bfloat16 = dtype == BFLOAT16
        self._stored = np.dtype("<u2" if self._is_bfloat16 else dtype)
        if self._stored.kind not in "biuf":
            raise DataError(f"rows must hold numbers, not {self._stored}; encode them as numbers")
        if not shape:
            raise DataError("it holds one number, not rows; save an array [rows, columns]")
        self.dtype = np.dtype(np.float32) if self._is_bfloat16 else self._stored.newbyteorder("=")
        self._row_bytes = prod(shape[1:]) * self._stored.itemsize
        if (expected := offset + shape[0] * self._row_bytes) > file.n_bytes:
            raise DataError(
                f"{file.n_bytes:,} bytes where shape {shape} requires {expected:,}; the file is cut off: copy it again"
            )

    @property
    def blocks(self) -> npt.NDArray[np.int64]:
        """Bounds of blocks of about a megabyte."""
        return even_blocks(self.shape[0], self._row_bytes)

    @property
    def identity(self) -> str | None:
        """What tells these rows from others; see `identity_of`."""
        state, dtype = self._file.state, BFLOAT16 if self._is_bfloat16 else self._stored.str
        return None if state is None else f"{state} {self._offset} {dtype} {self.shape}"

    def read_into(self, start: int, rows: Array) -> None:
        """Read the rows from `start` on into an array [rows, n_columns]."""
        raw = np.empty(rows.shape, self._stored) if self._is_bfloat16 or not rows.flags.c_contiguous else rows
        self._file.read_into(self._offset + start * self._row_bytes, raw.reshape(-1).view(np.uint8))
        if self._is_bfloat16:
            np.left_shift(raw, 16, out=rows.view(np.uint32), dtype=np.uint32)
        elif raw is not rows:
            rows[...] = raw.view(self._stored)
        elif not self._stored.isnative:
            rows.byteswap(inplace=True)
