"""Batches of a source's rows. Their order and their noise are pure functions of (seed, epoch, step)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.seeds import keys
from ..core.world import SINGLE_PROCESS, Axis, RowShard
from ..corruption import BLOCK, Clean, Corruption, block_count
from ..data.device_rows import CHUNK_NUMBERS, DeviceRows, tensor
from ..data.order import WindowOrder, permutation
from ..data.sample import sample_indices
from ..data.sources import Source, blocks_of, drawn
from ..model import Batch
from ..model.row_lengths import by_own_length, divided

CPU_CHUNK_NUMBERS = 1 << 18  # numbers that are read and scaled at a time on the CPU, then split into batches
SAMPLE_NUMBERS = 5000 * 4096  # most numbers of a sample of rows, which is in memory as a whole
SAMPLE_PART_NUMBERS = 1 << 20  # numbers of it that are read and scaled at a time


def near_equal_batches(n: int, size: int) -> list[tuple[int, int]]:
    """Return the bounds of the fewest batches of at most `size` rows, whose sizes differ by at most one row.

    A last batch of only a few rows would give a poor estimate of the mean activations.

    Parameters
    ----------
    n : int
        Number of rows.
    size : int
        Largest number of rows of a batch.

    Returns
    -------
    list of (start, stop)

    Examples
    --------
    >>> near_equal_batches(10, 4)
    [(0, 4), (4, 7), (7, 10)]
    """
    n_batches = max(1, -(-n // size))
    sizes = [n // n_batches + (i < n % n_batches) for i in range(n_batches)]
    stops = np.cumsum(sizes).tolist()
    return list(zip([0, *stops[:-1]], stops, strict=True))


@dataclass(frozen=True)
class Feed:
    """Batches of a source: shuffled, scaled, corrupted and moved to the device.

    Order and noise depend only on the seed, the epoch and the step, so an interrupted run continues with the same
    batches and no generator's state has to be saved.

    Parameters
    ----------
    source : Source
        The rows [N, D], in the input's units.
    scale_rows : callable
        Returns scaled rows [B, D] for rows in the input's units.
    batch_size : int
        Largest number of rows of a batch; see `near_equal_batches`.
    seed : int
        Seed of order and noise.
    corruption : Corruption, default=Clean()
        Noise of the rows that the network sees; a schedule is resolved at each step.
    target : Source or None
        Each row's partner, which the network is to reconstruct; None: the clean row itself.
    device : str, default="cpu"
        The device on which batches are used.
    scale_targets : callable, optional
        Returns scaled targets [B, D] for targets in their own units; by default `scale_rows`. Where `target` is None,
        the rows themselves are scaled so.
    fill : Tensor [D], optional
        What a missing value (NaN) of scaled rows is replaced by; required where there may be some.
    masked : bool or None, default=False
        Whether rows or targets have missing values; None: unknown, each batch is looked at. They are not judged, and a
        corruption does not change them.
    row_lengths : Tensor, optional
        The numbers of `by_own_length`, by which each scaled row and its target are divided by the row's length; after a
        corruption again, by that of the corrupted row, because this one is all that a model gets when it denoises.
    window : int, default=65536
        Within how many rows streamed rows are shuffled; see `WindowOrder`. Rows in memory are shuffled as a whole.
    rows : Axis, default=SINGLE_PROCESS
        The processes that share each batch. They have the same source; each gets its slice of a batch, with the noise
        that these rows have in one process.

    Examples
    --------
    >>> import torch
    >>> from taciturn.data.sources import Rows
    >>> feed = Feed(Rows(torch.rand(10, 3).numpy()), torch.Tensor.float, batch_size=4, seed=0)
    >>> [tuple(batch.x.shape) for batch in feed.epoch(0)]
    [(4, 3), (3, 3), (3, 3)]
    """

    source: Source
    scale_rows: Callable[[Tensor], Tensor]
    batch_size: int
    seed: int
    corruption: Corruption = Clean()
    target: Source | None = None
    device: str = "cpu"
    scale_targets: Callable[[Tensor], Tensor] | None = None
    fill: Tensor | None = None
    masked: bool | None = False
    row_lengths: Tensor | None = None
    window: int = 1 << 16
    rows: Axis = SINGLE_PROCESS

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """Bounds (start, stop) of an epoch's batches, of near-equal size."""
        return near_equal_batches(len(self.source), self.batch_size)

    def epoch(
        self, epoch: int, *, start: int = 0, step: int = 0, progress: Callable[[int], float] = lambda step: 0.0
    ) -> Iterator[Batch]:
        """Yield an epoch's batches.

        Parameters
        ----------
        epoch : int
            Number of the epoch; it decides the order of the rows.
        start : int, default=0
            Number of the first batch within the epoch.
        step : int, default=0
            Number of the run's step that takes this first batch; it decides the noise.
        progress : callable
            Returns a step's position in the run, 0 … 1, at which the corruption's schedules are resolved.

        Yields
        ------
        Batch
        """
        # small batches are read and scaled several at a time, the same ones from any start: a product of other rows may
        # have other last digits
        bounds, per_chunk = self._read_bounds, self._per_chunk
        noise = self._noise_keys("corrupt", step - start)
        firsts = range(start - start % per_chunk, len(bounds), per_chunk)
        chunks = [bounds[first : first + per_chunk] for first in firsts]
        x_chunks, target_chunks = self._shuffled(epoch, [(chunk[0][0], chunk[-1][1]) for chunk in chunks])
        for first, chunk in zip(firsts, chunks, strict=True):
            x, y = self._scaled(next(x_chunks), None if target_chunks is None else next(target_chunks))
            sizes = self._sizes(chunk)
            for i, (clean, target) in enumerate(zip(x.split(sizes), y.split(sizes), strict=True), first):
                corruption = self.corruption.at(progress(step + i - start))
                if self._has_ended(clean, corruption):
                    return
                if i >= start:
                    yield self._batch(clean, clean if y is x else target, corruption, step + i - start, noise, i)

    @property
    def _per_chunk(self) -> int:
        """The number of batches that are read at a time."""
        if self.rows.size > 1:  # successive slices of a process are not contiguous
            return 1
        chunk_numbers = CPU_CHUNK_NUMBERS if torch.device(self.device).type == "cpu" else CHUNK_NUMBERS
        return max(chunk_numbers // (self.batch_size * prod(self.source.shape)), 1)

    def _has_ended(self, clean: Tensor, corruption: Corruption) -> bool:
        """Return whether the rows ended before this batch."""
        return False

    def _sizes(self, chunk: list[tuple[int, int]]) -> list[int] | int:
        """Return the numbers of rows of some batches."""
        return [b - a for a, b in chunk]

    def _shuffled(self, epoch: int, parts: list[tuple[int, int]]) -> tuple[Iterator[Tensor], Iterator[Tensor] | None]:
        """Return iterators over the rows at some positions (start, stop) of an epoch, and over their partners."""
        rows, partners = self._rows_of(epoch)
        blocks = self._blocks
        if blocks is None:
            order = permutation(len(self.source), self.seed, epoch)
            indices = [order[start:stop] for start, stop in parts]
            return rows.batches(indices), None if partners is None else partners.batches(indices)
        windows = WindowOrder(blocks, self.window, self.seed, epoch)
        return rows.shuffled(windows, parts), None if partners is None else partners.shuffled(windows, parts)

    def state(self, epoch: int, step: int) -> dict[str, Tensor]:
        """Return what is needed to go on from a step of an epoch, beside these two: nothing."""
        return {}

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Set what `state` returned."""

    @property
    def _blocks(self) -> NDArray[np.int64] | None:
        """The blocks of streamed rows, or of their streamed targets; None where both are in memory."""
        blocks = blocks_of(self.source)
        return blocks if blocks is not None or self.target is None else blocks_of(self.target)

    def sample(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return at most n rows, scaled and clean, and their targets [n, D], drawn by `rng` without replacement.

        Of rows wider than 4,096 columns fewer are drawn: 20 million numbers. The targets are the rows themselves (the
        same tensor) where rows are their own targets and complete. A missing value is NaN in the targets only.
        """
        n = min(n, max(SAMPLE_NUMBERS // prod(self.source.shape), 1))
        indices = sample_indices(len(self.source), n, rng, streamed=self._blocks is not None)
        x, lengths = self._of_own_length(self._taken(self.source, indices, self.scale_rows))
        y = x
        if self.target is not None or self.scale_targets is not None:
            targets = self.source if self.target is None else self.target
            y = _divided(self._taken(targets, indices, self._scaled_targets), lengths)
        return self._filled(x) if self._has_gaps(x, y) else x, y

    def _taken(self, source: Source, indices: NDArray[np.int64], scale: Callable[[Tensor], Tensor]) -> Tensor:
        """Return scaled rows of a source, read in blocks: rows that are not float32 take much more memory."""
        size = max(SAMPLE_PART_NUMBERS // prod(source.shape), 1)
        blocks = (tensor(source.take(indices[i : i + size])) for i in range(0, len(indices), size))
        first = scale(next(blocks).to(self.device))
        if len(first) == len(indices):
            return first
        rows = first.new_empty(len(indices), first.shape[1])
        rows[:size] = first
        for i, block in enumerate(blocks, 1):
            rows[i * size : (i + 1) * size] = scale(block.to(self.device))
        return rows

    def validation_batches(self) -> Iterator[Batch]:
        """Yield batches of all rows in their own order, each time with the same noise, as at the end of a run."""
        noise, (rows, partners) = self._noise_keys("validate", 0), self._device_rows
        corruption = self.corruption.at(1.0)
        for i, (a, b) in enumerate(self._read_bounds):
            x, target = self._scaled(rows.read(a, b), None if partners is None else partners.read(a, b))
            yield self._batch(x, target, corruption, i, noise, i)

    def _scaled(self, rows: Tensor, targets: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return scaled rows and their scaled targets, the same tensor where rows are scaled once for both."""
        x, lengths = self._of_own_length(self.scale_rows(rows))
        if targets is None and self.scale_targets is None:
            return x, x
        return x, _divided(self._scaled_targets(rows if targets is None else targets), lengths)

    def _of_own_length(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return scaled rows divided by their lengths, and these; the rows and None without a scaling by rows."""
        return (x, None) if self.row_lengths is None else by_own_length(x, self.row_lengths)

    def _scaled_targets(self, y: Tensor) -> Tensor:
        return (self.scale_targets or self.scale_rows)(y)

    def _rows_of(self, epoch: int) -> tuple[DeviceRows, DeviceRows | None]:
        """Return the rows of an epoch, and their partners."""
        own = [None if each is None else drawn(each, self.seed, epoch) for each in (self.source, self.target)]
        if own[0] is self.source and own[1] is self.target:
            return self._device_rows
        rows, partners = (None if each is None else DeviceRows(each, self.device) for each in own)
        assert rows is not None
        return rows, partners

    @cached_property
    def _device_rows(self) -> tuple[DeviceRows, DeviceRows | None]:
        partners = None if self.target is None else DeviceRows(self.target, self.device)
        return DeviceRows(self.source, self.device), partners

    def _noise_keys(self, purpose: str, first_step: int) -> NDArray[np.uint64]:
        """Return the keys [batches, blocks] of an epoch's noise; its first batch is step `first_step` of the run."""
        steps = first_step + np.arange(len(self.bounds))
        start, stop = self.bounds[0]  # the largest batch
        return keys(self.seed, purpose, steps[:, None], np.arange(block_count(stop - start)))

    @cached_property
    def _slices(self) -> list[tuple[int, int]]:
        """This process's part (start, stop) of each batch, as positions in the epoch."""
        parts = [(a, self.rows.part(b - a)) for a, b in self.bounds]
        return [(a + start, a + stop) for a, (start, stop) in parts]

    @cached_property
    def _read_bounds(self) -> list[tuple[int, int]]:
        """What this process reads of each batch: its part, and all rows of the blocks of noise that it shares."""
        if self.corruption.clean or self.rows.size == 1:
            return self._slices
        read = []
        for (a, b), (start, stop) in zip(self.bounds, self._slices, strict=True):
            first = (start - a) // BLOCK
            if first and b - a - first * BLOCK < self.corruption.min_rows:
                first -= 1  # this block is corrupted together with the one before
            last = min(a + block_count(stop - a) * BLOCK, b)
            read.append((a + first * BLOCK, last) if start < stop else (a, a))
        return read

    def _batch(
        self,
        x: Tensor,
        target: Tensor,
        corruption: Corruption,
        step: int,
        keys_of_epoch: NDArray[np.uint64],
        number: int,
    ) -> Batch:
        """Return the batch of a number within the epoch from the rows that were read of it."""
        first_block = (self._read_bounds[number][0] - self.bounds[number][0]) // BLOCK
        noise, key = keys_of_epoch[number, first_block:][: block_count(len(x))], (self.seed, step)
        corrupted = x if corruption.clean else corruption.in_blocks(x, noise, BLOCK)
        if corrupted is not x:
            corrupted, lengths = self._of_own_length(corrupted)
            target = _divided(target, lengths)
        if corruption.gives_target:
            target = corruption.target(x, corrupted)
        judged = corruption.hidden(x, noise, BLOCK) if corruption.judges_hidden else None
        if self._has_gaps(x, target):
            known = ~target.isnan()
            judged = known if judged is None else judged & known
            target, clean = target.nan_to_num(0.0), self._filled(x)
            corrupted = clean if corrupted is x else torch.where(x.isnan(), clean, self._filled(corrupted))
            x = clean
        elif corruption.makes_missing:
            corrupted = self._filled(corrupted)
        batch = Batch(x=x, target=target, corrupted=corrupted, draw_key=key, judged=judged)
        return batch if self.rows.size == 1 else self._own_part(batch, number)

    def _own_part(self, batch: Batch, number: int) -> Batch:
        """Return this process's part of the rows that were read of a batch."""
        (a, b), (start, stop), (first, _) = self.bounds[number], self._slices[number], self._read_bounds[number]
        x, part = batch.x, slice(start - first, stop - first)
        own = {id(rows): rows[part] for rows in (x, batch.target, batch.corrupted)}  # equal arrays stay the same one
        judged = None if batch.judged is None else batch.judged[part]
        shard = RowShard(self.rows, start - a, b - a)
        target, corrupted = own[id(batch.target)], own[id(batch.corrupted)]
        return replace(batch, x=own[id(x)], target=target, corrupted=corrupted, judged=judged, shard=shard)

    def _has_gaps(self, x: Tensor, target: Tensor) -> bool:
        """Return whether values of a batch are missing, or may be."""
        return bool(x.isnan().any() or target.isnan().any()) if self.masked is None else self.masked

    def _filled(self, x: Tensor) -> Tensor:
        return x if self.fill is None else torch.where(x.isnan(), self.fill, x)


def _divided(y: Tensor, lengths: Tensor | None) -> Tensor:
    """Return scaled targets divided by the lengths of their rows, if there are any."""
    return y if lengths is None else divided(y, lengths)
