"""Streamed rows in the order of an epoch: threads read the blocks of a window ahead, and its rows are shuffled."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .order import WindowOrder
from .sources import Source, read_into


def shuffled_rows(
    source: Source, order: WindowOrder, parts: Sequence[tuple[int, int]], *, threads: int = 4
) -> Iterator[NDArray[Any]]:
    """Yield the rows at some positions of an epoch.

    Parameters
    ----------
    source : Source
        N rows with D numbers each.
    order : WindowOrder
        The order of the epoch.
    parts : sequence of (start, stop)
        Positions in the epoch, each part from where the one before it ends, or behind that.
    threads : int, default=4
        Threads that read blocks.

    Yields
    ------
    array [stop - start, D]
        A copy of the rows at the positions start … stop - 1.

    Notes
    -----
    At most two windows are in memory: the present one, and the next one, which the threads read meanwhile.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> order = WindowOrder(np.array([0, 2, 4]), window=4, seed=0, epoch=0)
    >>> [rows.shape for rows in shuffled_rows(Rows(np.eye(4)), order, [(1, 3), (3, 4)])]
    [(2, 4), (1, 4)]
    """
    if not parts:
        return
    bounds, first = order.bounds, int(np.searchsorted(order.bounds, parts[0][0], side="right")) - 1
    last = max(int(np.searchsorted(bounds, parts[-1][1])) - 1, first)
    with ThreadPoolExecutor(threads, thread_name_prefix="taciturn-read") as pool:
        try:
            windows = _windows(source, order, range(first, last + 1), pool)
            rows, shuffled, offset = next(windows)
            for start, stop in parts:
                pieces = []
                while start < stop:
                    while start >= offset + len(shuffled):
                        rows, shuffled, offset = next(windows)
                    end = min(stop, offset + len(shuffled))
                    pieces.append(rows.take(shuffled[start - offset : end - offset], axis=0))
                    start = end
                yield pieces[0] if len(pieces) == 1 else np.concatenate([rows[:0], *pieces])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # an iterator that was left reads no further


def _windows(
    source: Source, order: WindowOrder, windows: range, pool: ThreadPoolExecutor
) -> Iterator[tuple[NDArray[Any], NDArray[np.int64], int]]:
    """Yield each window's rows as they are in its blocks, their order, and the window's position in the epoch."""
    n_rows = np.diff(order.bounds[windows.start : windows.stop + 1]).max()
    buffers = [np.empty((n_rows, prod(source.shape)), source.dtype) for _ in windows[:2]]

    def begin(window: int) -> list[Future[None]]:
        """Start to read a window's blocks into its buffer, whose earlier window is no longer used."""
        blocks = order.blocks_in(window)
        stops = (blocks[:, 1] - blocks[:, 0]).cumsum()
        parts = np.split(buffers[window % len(buffers)][: stops[-1]], stops[:-1])
        return [
            pool.submit(read_into, source, int(start), part) for start, part in zip(blocks[:, 0], parts, strict=True)
        ]

    ahead = begin(windows[0])
    for window in windows:
        reads, ahead = ahead, begin(window + 1) if window + 1 in windows else []
        for each in reads:
            each.result()
        yield buffers[window % len(buffers)], order.shuffled(window), int(order.bounds[window])
