"""Batches of rows that can only be read one after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from ..corruption import Corruption
from ..data.sources import Stream
from ..data.stream_windows import StreamWindows
from .feed import Feed


@dataclass(frozen=True)
class StreamFeed(Feed):
    """Batches of a stream, of `batch_size` rows each; the last one before the rows end may have fewer.

    The number of its rows is not known, so that an epoch is a number of steps. Epochs are read in their order, because
    rows cannot be read again; after `resume` the first one may begin anywhere.

    Parameters
    ----------
    steps : int, default=1
        Number of steps of an epoch.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> stream = Stream(lambda: (np.full((5, 3), float(i)) for i in range(2)), n_rows=5)
    >>> feed = StreamFeed(stream, torch.Tensor.float, batch_size=4, seed=0, window=5, steps=2)
    >>> [tuple(batch.x.shape) for epoch in range(2) for batch in feed.epoch(epoch)]
    [(4, 3), (4, 3), (4, 3), (4, 3)]
    """

    steps: int = 1

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """Bounds (start, stop) of an epoch's batches, from its first row on."""
        size = self.batch_size
        return [(step * size, (step + 1) * size) for step in range(self.steps)]

    def state(self, epoch: int, step: int) -> dict[str, Tensor]:
        """Return what is needed to go on from a step of an epoch, beside these two: where its window begins."""
        return self._windows.state(self._first_row(epoch) + step // self._per_chunk * self._per_chunk * self.batch_size)

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Set what `state` returned; see `StreamWindows.resume`."""
        self._windows.resume(state["mark"])

    def _first_row(self, epoch: int) -> int:
        return epoch * self.steps * self.batch_size

    def _has_ended(self, clean: Tensor, corruption: Corruption) -> bool:
        return len(clean) < corruption.min_rows

    def _sizes(self, chunk: list[tuple[int, int]]) -> int:
        return self.batch_size

    def _shuffled(self, epoch: int, parts: list[tuple[int, int]]) -> tuple[Iterator[Tensor], None]:
        first = self._first_row(epoch)
        parts = [(first + start, first + stop) for start, stop in parts]
        rows, _ = self._device_rows
        return rows.moved(self._windows.rows(parts), parts), None

    @cached_property
    def _windows(self) -> StreamWindows:
        assert isinstance(self.source, Stream)
        return StreamWindows(self.source, self.window, self.seed)
