"""Rows in an order, and with a noise, that are pure functions of (seed, epoch, step): nothing to save."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.seeds import generator, keys
from ..corruption import BLOCK, Clean, Corruption, block_count
from ..data.device_rows import CHUNK_NUMBERS, DeviceRows, tensor
from ..data.sources import Source
from ..model import Batch

AT_ONCE = 1 << 18  # numbers that small batches are cut from


def near_equal_batches(n: int, size: int) -> list[tuple[int, int]]:
    """Return the bounds of the fewest batches of at most `size` rows, which differ by one row at most.

    A ragged rest of two rows would spoil a measured rate.

    Examples
    --------
    >>> near_equal_batches(10, 4)
    [(0, 4), (4, 7), (7, 10)]
    """
    parts = max(1, -(-n // size))
    sizes = [n // parts + (i < n % parts) for i in range(parts)]
    stops = np.cumsum(sizes).tolist()
    return list(zip([0, *stops[:-1]], stops, strict=True))


@dataclass(frozen=True)
class Feed:
    """Batches of a source: shuffled, scaled, corrupted, moved. `target` holds each row's partner, if there is one."""

    source: Source
    scale_rows: Callable[[Tensor], Tensor]
    batch_size: int
    seed: int
    corruption: Corruption = Clean()
    target: Source | None = None
    device: str = "cpu"

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """The near-equal batches of an epoch."""
        return near_equal_batches(len(self.source), self.batch_size)

    def epoch(
        self, epoch: int, *, start: int = 0, step: int = 0, progress: Callable[[int], float] = lambda step: 0.0
    ) -> Iterator[Batch]:
        """Yield an epoch's batches from batch `start` on, the first of them being step `step` of the run."""
        order = torch.randperm(len(self.source), generator=generator(self.seed, "order", epoch))
        rows, partners = self._placed
        # small batches are read and scaled several at a time
        at_once = AT_ONCE if torch.device(self.device).type == "cpu" else CHUNK_NUMBERS
        bounds, several = self.bounds, max(at_once // (self.batch_size * prod(self.source.shape)), 1)
        noise = self._keys("corrupt", step - start)
        cuts = [bounds[first : first + several] for first in range(start, len(bounds), several)]
        places = [order[now[0][0] : now[-1][1]] for now in cuts]
        clean_rows, targets = rows.batches(places), None if partners is None else partners.batches(places)
        for first, now in zip(range(start, len(bounds), several), cuts, strict=True):
            x = self.scale_rows(next(clean_rows))  # which are let go: zip would keep them
            y = x if targets is None else self.scale_rows(next(targets))
            sizes = [b - a for a, b in now]
            for i, (clean, target) in enumerate(zip(x.split(sizes), y.split(sizes), strict=True), step + first - start):
                at = self.corruption.at(progress(i))
                yield self._batch(clean, clean if y is x else target, at, i, noise[i - step + start])

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Return up to n of the rows, drawn by `rng`, scaled and clean."""
        at = torch.randperm(len(self.source), generator=rng)[:n].sort().values
        return self.scale_rows(tensor(self.source.take(at.numpy())).to(self.device))

    def validation_batches(self) -> Iterator[Batch]:
        """Yield all rows in their own order, always with the same noise: what validation looks at."""
        now, noise, (rows, partners) = self.corruption.at(1.0), self._keys("validate", 0), self._placed
        for i, (a, b) in enumerate(self.bounds):
            x = self.scale_rows(rows.read(a, b))
            yield self._batch(x, x if partners is None else self.scale_rows(partners.read(a, b)), now, i, noise[i])

    @cached_property
    def _placed(self) -> tuple[DeviceRows, DeviceRows | None]:
        partners = None if self.target is None else DeviceRows(self.target, self.device)
        return DeviceRows(self.source, self.device), partners

    def _keys(self, purpose: str, step: int) -> NDArray[np.uint64]:
        """Return the key of each block of each batch of an epoch whose first would be such a step of the run."""
        steps = step + np.arange(len(self.bounds))
        return keys(self.seed, purpose, steps[:, None], np.arange(block_count(min(self.batch_size, len(self.source)))))

    def _batch(self, x: Tensor, target: Tensor, now: Corruption, step: int, noise: NDArray[np.uint64]) -> Batch:
        seen = x if now.clean else now.in_blocks(x, noise[: block_count(len(x))], BLOCK)
        return Batch(x=x, target=target, corrupted=seen, draw_key=(self.seed, step))
