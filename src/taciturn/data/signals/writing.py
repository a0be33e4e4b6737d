"""Signals in a file of the structure of that which they were read from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..sources import ids_of, integers_of, write_path
from ..sources.files import open_path
from .signals import one_axis


def write_signals(path: Path, signals: Sequence[NDArray[np.generic]], like: str | os.PathLike[str]) -> None:
    """Write the signals of a file into another one: with its axes, or with its columns' names and row labels.

    Parameters
    ----------
    path : Path
        The file to write; it appears only when it is complete.
    signals : sequence of arrays [time, channels]
        As many and as long as those of `like`, in its order.
    like : str or path-like
        The file that they were read from, which is not changed.

    Raises
    ------
    RecipeError
        The ending is unknown.
    TaciturnError
        The file cannot be written.
    """
    if one_axis(like) is not None:
        write_path(path, [signals[0]], n_rows=len(signals[0]), shape=())
        return
    source = open_path(like)
    rows = np.stack(signals).reshape(len(source), prod(source.shape))
    columns, ids, integers = source.columns, ids_of(source), integers_of(source)
    write_path(path, [rows], n_rows=len(rows), columns=columns, shape=source.shape, ids=ids, integers=integers)
