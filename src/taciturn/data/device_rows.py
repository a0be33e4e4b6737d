"""Where a source's rows are while a run goes on: in memory, on a GPU, or on their way there."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .sources import Rows, Source

TAKEN = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.uint8))
MOVED = 1 << 24  # numbers that are moved to a device at a time, and that its small batches are cut from

A = TypeVar("A")
B = TypeVar("B")


def tensor(rows: NDArray[np.generic]) -> Tensor:
    """Return rows as a tensor: a view where torch can have one."""
    if rows.dtype in (np.uint16, np.uint32, np.uint64, np.longdouble):
        rows = rows.astype(np.float64)
    # torch takes no array that is read-only or runs backwards
    return torch.from_numpy(rows if rows.flags.writeable and min(rows.strides) >= 0 else rows.copy())


def room(device: str) -> int:
    """Return how many bytes of rows a device may hold: a quarter of what is free on a GPU, elsewhere none."""
    return torch.cuda.mem_get_info(device)[0] // 4 if torch.device(device).type == "cuda" else 0


def _lying(source: Source) -> Tensor | None:
    """Return an array's rows as they lie in memory, where torch can have them without a copy."""
    if not isinstance(source, Rows):
        return None
    plain = source.array.flags.c_contiguous and source.array.flags.writeable
    return torch.from_numpy(source.read(0, len(source))) if plain and source.array.dtype in TAKEN else None


def ahead(bring: Callable[[A], B], asked: Iterable[A]) -> Iterator[B]:
    """Yield what is brought for each that is asked for, in order; the next is brought meanwhile, by a thread.

    Examples
    --------
    >>> list(ahead(len, ["a", "three"]))
    [1, 5]
    """
    with ThreadPoolExecutor(1) as thread:
        coming: Future[B] | None = None
        for one in asked:
            ready, coming = coming, thread.submit(bring, one)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()


@dataclass(frozen=True, eq=False)
class DeviceRows:
    """A source's rows on a device: moved there once where there is room, else as they are asked for.

    On the processor an array in memory stays where it is, and torch takes rows of it by all its threads.
    """

    source: Source
    device: str

    @cached_property
    def held(self) -> Tensor | None:
        """All rows [N, D], if they can lie there."""
        n_rows, one = len(self.source), tensor(self.source.read(0, 1))
        if n_rows * one.nbytes > room(self.device):
            return _lying(self.source) if torch.device(self.device).type == "cpu" else None
        held = torch.empty((n_rows, *one.shape[1:]), dtype=one.dtype, device=self.device)
        size = max(MOVED // one.numel(), 1)
        for at in range(0, n_rows, size):
            held[at : at + size] = tensor(self.source.read(at, at + size))
        return held

    def each(self, places: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the rows at each of these places [B], in their order [B, D]."""
        if self.held is not None:
            return (self.held.index_select(0, at_B.to(self.device)) for at_B in places)
        if torch.device(self.device).type == "cuda":
            return self._arriving(places)
        return (tensor(self.source.take(at_B.numpy())).to(self.device) for at_B in places)

    def read(self, start: int, stop: int) -> Tensor:
        """Return the rows start … stop - 1."""
        rows = self.held
        return tensor(self.source.read(start, stop)).to(self.device) if rows is None else rows[start:stop]

    def _arriving(self, places: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield rows that are read, and moved beside what the GPU computes, before they are needed."""
        aside, now = torch.cuda.Stream(self.device), torch.cuda.current_stream(self.device)

        def bring(at_B: Tensor) -> tuple[Tensor, torch.cuda.Event]:
            rows = tensor(self.source.take(at_B.numpy())).pin_memory()
            with torch.cuda.stream(aside):
                return rows.to(self.device, non_blocking=True), aside.record_event()

        for rows, there in ahead(bring, places):
            now.wait_event(there)
            rows.record_stream(now)  # else its memory could be taken for the next rows too early
            yield rows
