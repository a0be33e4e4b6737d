"""Signals of any and different lengths, in files or in memory: what a `SignalDenoiser` is trained on and applied to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ...core.messages import one_line
from ..sources.files import open_path
from ..sources.folders import files_in, is_pattern

MAX_BYTES = 8  # of a number
MIN_TIMES = 16  # of each of several signals: fewer columns are likely to be channels


@dataclass(frozen=True, eq=False)
class Signal:
    """A signal in memory.

    Parameters
    ----------
    name : str
        Its file's name, or its number, for messages.
    array : array [time, channels]
        Real numbers in any unit, none missing.
    """

    name: str
    array: NDArray[Any]

    @property
    def n_times(self) -> int:
        """The number of times."""
        return len(self.array)

    @property
    def n_channels(self) -> int:
        """The number of channels."""
        return int(self.array.shape[1])


def signals_of(X: Any, channels: int | str = "auto") -> list[Signal]:
    """Return signals as a `SignalDenoiser` takes them.

    Parameters
    ----------
    X : object
        One signal [time]; an array of signals [n, time] or [n, time, channels]; a data frame, whose columns are the
        channels of one signal; a file, a folder or a pattern of file names; or a list of files and of signals [time] or
        [time, channels] of any lengths. A table in a file (.csv, .parquet) is one signal as a data frame is; an array
        in a file (.npy) is what it is in memory.
    channels : int or "auto", default="auto"
        The number of channels. An array [time, channels] with so many columns, or with one, is one signal.

    Returns
    -------
    list of Signal
        All with the same channels. Those of a folder in natural order.

    Raises
    ------
    DataError
        There is none, or one of them is no such signal; the message names it.

    Examples
    --------
    >>> [signal.array.shape for signal in signals_of([np.zeros(40), np.zeros((50, 1))])]
    [(40, 1), (50, 1)]
    >>> len(signals_of(np.zeros((3, 40)))), len(signals_of(np.zeros((40, 2)), channels=2))
    (3, 1)
    """
    if isinstance(X, list | tuple):
        signals = [signal for i, each in enumerate(X) for signal in _of_item(each, f"signal {i}", channels)]
    elif isinstance(X, str | os.PathLike):
        signals = _in_files(os.fsdecode(X), channels)
    else:
        signals = _of_array(X, "signal", channels)
    if not signals:
        raise DataError("there is no signal; give one or more")
    known = signals[0].n_channels if channels == "auto" else channels
    for signal in signals:
        if signal.n_channels != known:
            whose = f"{signals[0].name} has {known}" if channels == "auto" else f"the model has {known}"
            raise DataError(f"{signal.name} has {signal.n_channels} channels, but {whose}; give signals of as many")
    return signals


def _of_item(item: Any, name: str, channels: int | str) -> list[Signal]:
    """Return one thing of a list: a file, or one signal."""
    if isinstance(item, str | os.PathLike):
        return _in_files(os.fsdecode(item), channels)
    return [_signal(item, name)]


def files_of(text: str) -> list[str]:
    """Return the names of the files in a folder, or of those that a pattern names, in natural order; or the one file.

    Raises
    ------
    DataError
        There is none.
    """
    return [file.name for file in files_in(text)] if os.path.isdir(text) or is_pattern(text) else [text]


def _in_files(text: str, channels: int | str) -> list[Signal]:
    return [signal for file in files_of(text) for signal in _in_file(file, channels)]


def _in_file(path: str, channels: int | str) -> list[Signal]:
    """Return the signals in a file: one of a table, those of an array."""
    name = one_line(path)
    if (whole := one_axis(path)) is not None:
        return [_signal(whole, name)]
    source = open_path(path)
    rows = source.read(0, len(source))
    if source.columns is not None:
        return [_signal(rows, name)]
    return _of_array(rows.reshape(len(rows), *source.shape), name, channels)


def one_axis(path: str | os.PathLike[str]) -> NDArray[Any] | None:
    """Return the array in an .npy file, if it has one axis, which rows do not have; else None."""
    if not os.fsdecode(path).endswith(".npy"):
        return None
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError):  # the reader of rows tells what is wrong
        return None
    return np.asarray(array) if array.ndim == 1 else None


def _of_array(X: Any, name: str, channels: int | str) -> list[Signal]:
    """Return what an array, or a data frame, holds: one signal or several."""
    array = np.asarray(X)
    if array.ndim == 1 or hasattr(X, "columns") or (array.ndim == 2 and array.shape[1] in (1, channels)):
        return [_signal(array, name)]
    if array.ndim not in (2, 3):
        raise DataError(f"{name} has shape {array.shape}; give [time], [n, time], [n, time, channels], or a list")
    if array.ndim == 2 and array.shape[1] < MIN_TIMES and len(array) > array.shape[1]:
        raise DataError(
            f"{name} has shape {array.shape}, which is {len(array):,} signals of {array.shape[1]} times each; give one "
            f"signal [time, channels] in a list, or set channels={array.shape[1]}"
        )
    return [_signal(each, f"{name} {i}") for i, each in enumerate(array)]


def _signal(X: Any, name: str) -> Signal:
    array = np.asarray(X)
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(f"{name} has shape {array.shape}; give (time,) or (time, channels)")
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > MAX_BYTES:
        raise DataError(f"{name} holds {array.dtype} numbers; give integers or floats of at most 64 bits")
    array = array.astype(array.dtype.newbyteorder("="), copy=False).reshape(len(array), -1)
    if not np.isfinite(array).all():
        raise DataError(f"{name} has missing or infinite values; fill them, or cut the signal there")
    return Signal(name, array)
