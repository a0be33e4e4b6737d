"""Segments of signals as a source of rows: others in each epoch, and fixed ones for measuring."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ..crops import Crops, pieces
from ..sources.source import Array
from .signals import Signal, signals_of

MAX_SEGMENTS = 256  # of a signal, or a piece of it, in an epoch


class Segments(Crops):
    """Segments of signals, of one length, as rows in the signals' unit, flattened in the order (time, channel).

    Parameters
    ----------
    signals : sequence of Signal
        Of any and different lengths, with the same channels. One that is shorter than a segment is continued by its
        mirror image.
    length : int
        The length of a segment in times, ≥ 1.

    Attributes
    ----------
    blocks : array of int64 [n_blocks + 1]
        The rows of each signal, or of each piece of it: see Notes.

    Raises
    ------
    DataError
        There is no signal.

    Notes
    -----
    As a source, row i is always the same segment: those of a signal lie side by side, at most 256 of them. What a run
    is trained on is `drawn(seed, epoch)`, in which row i is a random segment of the same signal: a pure function of
    (seed, epoch, i). Segments are not turned round, because signals have a direction.

    Less than 20 signals are cut into pieces, 20 or more if they are long enough. No segment lies in two, so that
    segments of held-out pieces share no time with others. One signal that is shorter than two segments is not cut.

    Rows are float32, or float64 if a signal's numbers need it.

    Examples
    --------
    >>> from taciturn.data.signals.signals import signals_of
    >>> segments = Segments(signals_of([np.arange(40.0), np.arange(30.0)]), 10)
    >>> segments.shape, segments.read(0, 2)[:, 0].tolist()
    ((10,), [0.0, 10.0])
    """

    def __init__(self, signals: Sequence[Signal], length: int) -> None:
        if not signals:
            raise DataError("there is no signal; give one or more")
        self.signals, self.length, self.channels = list(signals), length, signals[0].n_channels
        self.shape = (length * self.channels,)
        self.dtype = np.result_type(np.float32, *(signal.array.dtype for signal in signals))
        self._parts = pieces([signal.n_times for signal in self.signals], length)
        super().__init__([len(_starts(stop - start, length)) for _, start, stop in self._parts])

    def beside(self, X: Any) -> Segments:
        """Return the clean signals X as segments, for these of noisy ones; raise DataError unless they are pairs."""
        clean = Segments(signals_of(X, self.channels), self.length)
        if len(self.signals) != len(clean.signals):
            noisy = len(self.signals)
            raise DataError(f"target: {len(clean.signals)} signals for {noisy}; give one for each, in the same order")
        for first, second in zip(self.signals, clean.signals, strict=True):
            if first.n_times != second.n_times:
                raise DataError(f"target: {second.name} has {second.n_times} times, {first.name} {first.n_times}")
        return clean

    def place(self, row: int) -> str:
        """Return where a row is, for messages; see `place_of`."""
        return f"a segment of {self.signals[self._parts[int(self._parts_of(row))][0]].name}"

    def _crops(self, part: int, numbers: NDArray[np.integer]) -> Array:
        """Return some of a piece's segments by their numbers within it."""
        import torch  # late, because the estimators know this file before there are rows

        from ...core.seeds import generator

        number, start, stop = self._parts[part]
        signal = mirrored_to(self.signals[number].array[start:stop], self.length)
        starts = _starts(stop - start, self.length)
        if self._draw is not None:
            rng = generator(self._draw[0], "segments", self._draw[1], part)
            starts = torch.randint(len(signal) - self.length + 1, (len(starts),), generator=rng).numpy()
        times = starts[numbers][:, None] + np.arange(self.length)
        segments: Array = signal[times].reshape(len(numbers), prod(self.shape)).astype(self.dtype, copy=False)
        return segments


def mirrored_to(signal: Array, length: int) -> Array:
    """Return a signal [time, channels] of at least some length, continued by its mirror image.

    Examples
    --------
    >>> mirrored_to(np.array([[1.0], [2.0]]), 3)[:, 0].tolist()
    [1.0, 2.0, 2.0]
    """
    missing = max(length - len(signal), 0)
    return np.pad(signal, [(0, missing), (0, 0)], "symmetric") if missing else signal


def _starts(n_times: int, length: int) -> NDArray[np.int64]:
    """Return where segments that cover a signal begin; at most `MAX_SEGMENTS`, evenly spaced."""
    n = min(max(-(-n_times // length), 1), MAX_SEGMENTS)
    return np.linspace(0, max(n_times - length, 0), n).round().astype(np.int64)
