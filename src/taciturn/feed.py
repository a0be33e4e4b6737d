"""F5. Rows in an order, and with a noise, that are pure functions of (seed, epoch, step): nothing to save."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .corrupt import Clean, Corruption
from .passes import Batch
from .seeds import generator
from .sources import Source

BLOCK = 64  # rows that share one generator of noise
AT_ONCE = 1 << 18  # numbers that small batches are cut from


def near_equal(n: int, size: int) -> list[tuple[int, int]]:
    """Return the bounds of the fewest batches of at most `size` rows, which differ by one row at most.

    A ragged rest of two rows would spoil a measured rate.

    Examples
    --------
    >>> near_equal(10, 4)
    [(0, 4), (4, 7), (7, 10)]
    """
    parts = max(1, -(-n // size))
    sizes = [n // parts + (i < n % parts) for i in range(parts)]
    stops = np.cumsum(sizes).tolist()
    return list(zip([0, *stops[:-1]], stops, strict=True))


def corrupted(
    x: Tensor, corruption: Corruption, *, seed: int, purpose: str, step: int = 0, first_row: int = 0
) -> Tensor:
    """Return the rows as the network sees them; x itself under no corruption.

    Noise is drawn in blocks of rows keyed by (seed, purpose, step, block): the same on any number of threads or
    processes, and for any split of the rows at multiples of a block; `first_row` is where x begins.
    """
    if corruption.clean:
        return x
    first = first_row // BLOCK
    if len(x) <= BLOCK:
        return corruption(x, generator(seed, purpose, step, first))
    parts = x.split(BLOCK)
    return torch.cat([corruption(part, generator(seed, purpose, step, first + i)) for i, part in enumerate(parts)])


@dataclass(frozen=True)
class Feed:
    """Batches of a source: shuffled, scaled, corrupted, moved. `target` holds each row's partner, if there is one."""

    source: Source
    normalise: Callable[[Tensor], Tensor]
    batch_size: int
    seed: int
    corruption: Corruption = Clean()
    target: Source | None = None
    device: str = "cpu"

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """The near-equal batches of an epoch."""
        return near_equal(len(self.source), self.batch_size)

    def epoch(
        self, epoch: int, *, start: int = 0, step: int = 0, progress: Callable[[int], float] = lambda step: 0.0
    ) -> Iterator[Batch]:
        """Yield an epoch's batches from batch `start` on, the first of them being step `step` of the run."""
        order = torch.randperm(len(self.source), generator=generator(self.seed, "order", epoch)).numpy()
        # small batches are read and scaled several at a time
        bounds, several = self.bounds, max(AT_ONCE // (self.batch_size * prod(self.source.shape)), 1)
        for first in range(start, len(bounds), several):
            now = bounds[first : first + several]
            begin, end = now[0][0], now[-1][1]
            x = self._scaled(self.source.take(order[begin:end]))
            y = x if self.target is None else self._scaled(self.target.take(order[begin:end]))
            sizes = [b - a for a, b in now]
            for i, (clean, target) in enumerate(zip(x.split(sizes), y.split(sizes), strict=True), step + first - start):
                at = self.corruption.at(progress(i))
                yield self._batch(clean, clean if y is x else target, at, "corrupt", i)

    def some(self, n: int, rng: torch.Generator) -> Tensor:
        """Return up to n of the rows, drawn by `rng`, scaled and clean."""
        at = torch.randperm(len(self.source), generator=rng)[:n].sort().values
        return self._scaled(self.source.take(at.numpy()))

    def held_out(self) -> Iterator[Batch]:
        """Yield all rows in their own order, always with the same noise: what validation looks at."""
        now = self.corruption.at(1.0)
        for i, (a, b) in enumerate(self.bounds):
            x = self._scaled(self.source.read(a, b))
            yield self._batch(x, x if self.target is None else self._scaled(self.target.read(a, b)), now, "validate", i)

    def _scaled(self, rows: NDArray[np.generic]) -> Tensor:
        return self.normalise(tensor(rows).to(self.device))

    def _batch(self, x: Tensor, target: Tensor, now: Corruption, purpose: str, step: int) -> Batch:
        seen = corrupted(x, now, seed=self.seed, purpose=purpose, step=step)
        return Batch(x=x, target=target, seen=seen, moment=(self.seed, step))


def tensor(rows: NDArray[np.generic]) -> Tensor:
    """Return rows as a tensor: a view where torch can have one."""
    if rows.dtype in (np.uint16, np.uint32, np.uint64, np.longdouble):
        rows = rows.astype(np.float64)
    # torch takes no array that is read-only or runs backwards
    return torch.from_numpy(rows if rows.flags.writeable and min(rows.strides) >= 0 else rows.copy())


def split(n: int, fraction: float, seed: int, purpose: str = "split") -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which of n rows are trained on and which are held out, drawn by the seed; at least one of each."""
    held = min(max(1, round(fraction * n)), n - 1)
    order = torch.randperm(n, generator=generator(seed, purpose)).numpy()
    return np.sort(order[held:]), np.sort(order[:held])
