"""A source's rows on a device during a run: all in memory, all on the GPU, or moved there batch by batch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .order import WindowOrder
from .sources import Rows, Source
from .windows import shuffled_rows

# Of other types, such as big-endian numbers and uint16, torch needs a converted copy.
_SHAREABLE_DTYPES = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.uint8))
CHUNK_NUMBERS = 1 << 24  # numbers moved to a device at a time; its small batches are cut from chunks of this size

A = TypeVar("A")
B = TypeVar("B")


def tensor(rows: NDArray[np.generic]) -> Tensor:
    """Return rows as a tensor of the same shape on the CPU.

    Parameters
    ----------
    rows : array
        Numbers in the machine's byte order. uint16, uint32, uint64 and long double become float64.

    Returns
    -------
    Tensor
        A view of the array's memory where torch allows one. Read-only arrays and arrays with negative strides are
        copied.

    Examples
    --------
    >>> tensor(np.array([[1, 2]], np.uint16))
    tensor([[1., 2.]], dtype=torch.float64)
    """
    if rows.dtype in (np.uint16, np.uint32, np.uint64, np.longdouble):
        rows = rows.astype(np.float64)
    return torch.from_numpy(rows if rows.flags.writeable and min(rows.strides) >= 0 else rows.copy())


def row_capacity(device: str) -> int:
    """Return how many bytes of rows may be stored on a device: a quarter of a GPU's free memory, 0 on a CPU.

    Parameters
    ----------
    device : str
        A torch device, as "cpu" or "cuda:0".

    Returns
    -------
    int
        Bytes. On the CPU 0, because rows there are used where they are or read from their source.

    Examples
    --------
    >>> row_capacity("cpu")
    0
    """
    return torch.cuda.mem_get_info(device)[0] // 4 if torch.device(device).type == "cuda" else 0


def _shared_tensor(source: Source) -> Tensor | None:
    """Return a tensor that shares an array source's memory; None where torch would need a copy."""
    if not isinstance(source, Rows):
        return None
    shareable = source.array.flags.c_contiguous and source.array.flags.writeable
    return (
        torch.from_numpy(source.read(0, len(source))) if shareable and source.array.dtype in _SHAREABLE_DTYPES else None
    )


def prefetched(load: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """Yield load(item) for each item, in order; a thread loads the next one meanwhile.

    Parameters
    ----------
    load : callable
        Called with one item at a time, always in the same thread, which is not the caller's.
    items : iterable
        Read in the caller's thread, one item ahead.

    Yields
    ------
    object
        The result for each item. An error that `load` raises is raised in its item's place.

    Examples
    --------
    >>> list(prefetched(len, ["a", "three"]))
    [1, 5]
    """
    with ThreadPoolExecutor(1) as thread:
        pending: Future[B] | None = None
        for item in items:
            previous, pending = pending, thread.submit(load, item)
            if previous is not None:
                yield previous.result()
        if pending is not None:
            yield pending.result()


@dataclass(frozen=True, eq=False)
class DeviceRows:
    """A source's rows as tensors on a device.

    Rows that fit into `row_capacity` are moved to the device once. Otherwise each batch is read from the source and
    moved when it is needed; for a GPU a thread does this one batch ahead. On the CPU an array in memory is used where
    it is, without a copy: torch then selects rows with all of its threads.

    Parameters
    ----------
    source : Source
        N rows with D numbers each.
    device : str
        A torch device, as "cpu" or "cuda".

    Examples
    --------
    >>> rows = DeviceRows(Rows(np.arange(6.0).reshape(3, 2)), "cpu")
    >>> next(rows.batches([torch.tensor([2, 0])])).tolist()
    [[4.0, 5.0], [0.0, 1.0]]
    """

    source: Source
    device: str

    @cached_property
    def on_device(self) -> Tensor | None:
        """All rows [N, D] on the device; None where they do not fit and cannot be shared."""
        n_rows, first_row = len(self.source), tensor(self.source.read(0, 1))
        if n_rows * first_row.nbytes > row_capacity(self.device):
            return _shared_tensor(self.source) if torch.device(self.device).type == "cpu" else None
        rows = torch.empty((n_rows, *first_row.shape[1:]), dtype=first_row.dtype, device=self.device)
        chunk_rows = max(CHUNK_NUMBERS // first_row.numel(), 1)
        for start in range(0, n_rows, chunk_rows):
            rows[start : start + chunk_rows] = tensor(self.source.read(start, start + chunk_rows))
        return rows

    def batches(self, indices: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield a batch of rows for each tensor of row indices.

        Parameters
        ----------
        indices : iterable of Tensor [B], int64, on the CPU
            Row numbers of each batch, in any order.

        Yields
        ------
        Tensor [B, D]
            The rows in the order of their indices, on the device, of the type that `tensor` gives.
        """
        if self.on_device is not None:
            return (self.on_device.index_select(0, indices_B.to(self.device)) for indices_B in indices)
        return self._moved(lambda indices_B: self.source.take(indices_B.numpy()), indices)

    def shuffled(self, order: WindowOrder, parts: Sequence[tuple[int, int]]) -> Iterator[Tensor]:
        """Yield streamed rows at some positions of an epoch, each [stop - start, D] on the device; see `windows`."""
        return self.moved(shuffled_rows(self.source, order, parts), parts)

    def moved(self, rows: Iterator[NDArray[np.generic]], parts: Sequence[tuple[int, int]]) -> Iterator[Tensor]:
        """Yield what an iterator gives for each of some parts, on the device."""
        return self._moved(lambda _: next(rows), parts)

    def read(self, start: int, stop: int) -> Tensor:
        """Return the rows start … stop - 1 as [stop - start, D] on the device."""
        rows = self.on_device
        return tensor(self.source.read(start, stop)).to(self.device) if rows is None else rows[start:stop]

    def _moved(self, read: Callable[[A], NDArray[np.generic]], batches: Iterable[A]) -> Iterator[Tensor]:
        """Yield what `read` returns for each batch, on the device.

        For a GPU a thread reads, and a second stream copies, while the GPU computes.
        """
        if torch.device(self.device).type != "cuda":
            for batch in batches:
                yield tensor(read(batch)).to(self.device)
            return
        copy_stream, compute_stream = torch.cuda.Stream(self.device), torch.cuda.current_stream(self.device)

        def load(batch: A) -> tuple[Tensor, torch.cuda.Event]:
            rows = tensor(read(batch)).pin_memory()
            with torch.cuda.stream(copy_stream):
                return rows.to(self.device, non_blocking=True), copy_stream.record_event()

        for rows, copied in prefetched(load, batches):
            compute_stream.wait_event(copied)
            rows.record_stream(compute_stream)  # otherwise the next copy could reuse this memory too early
            yield rows
