"""The split into training rows and held-out rows."""

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.errors import DataError
from ..core.seeds import generator
from .sources import Ranges, Source, Stream, Subset, blocks_of, drawn

Pairs = tuple[Source, Source | None]  # rows and their targets
Part = Subset | Ranges
RUN_ROWS = 64  # neighbouring rows of a streamed source that are held out together
MIN_RUNS = 1000  # of fewer rows shorter runs are made


def split(n: int, fraction: float, seed: int, purpose: str = "split") -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices of the training rows and of the held-out rows, drawn at random.

    Parameters
    ----------
    n : int
        Number of rows, 2 or more.
    fraction : float
        Share of the rows to hold out, 0 … 1. At least one row is held out, and at least one is not.
    seed : int
        The same seed gives the same split.
    purpose : str, default="split"
        Passed to `core.seeds.generator`: another purpose gives another split.

    Returns
    -------
    training, held_out : arrays of int
        Sorted indices; each of the n rows is in one of them.

    Examples
    --------
    >>> training, held_out = split(10, 0.2, seed=0)
    >>> len(training), len(held_out)
    (8, 2)
    """
    n_held_out = min(max(1, round(fraction * n)), n - 1)
    order = torch.randperm(n, generator=generator(seed, purpose)).numpy()
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])


def split_source(source: Source, fraction: float, seed: int, purpose: str = "split") -> tuple[Part, Part]:
    """Return the training rows and the held-out rows of a source.

    Parameters
    ----------
    source : Source
        2 rows or more.
    fraction, seed, purpose
        As for `split`.

    Returns
    -------
    training, held_out : Subset or Ranges
        The rows of `split`. Of streamed rows, runs of 64 neighbouring rows are held out together (fewer of less than
        64,000 rows), so that the split takes no memory for each row; both parts stay streamed. Of patches of images,
        all those of an image, or of a band of it, are held out together.

    Raises
    ------
    DataError
        The rows are patches of one image, or segments of one signal, that is too small: all share numbers with others.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> training, held_out = split_source(Rows(np.eye(10)), 0.2, seed=0)
    >>> len(training), len(held_out)
    (8, 2)
    """
    (training, _), (held_out, _) = split_pairs((source, None), fraction, seed, purpose)
    return training, held_out


def split_pairs(
    pairs: Pairs, fraction: float, seed: int, purpose: str = "split"
) -> tuple[tuple[Part, Part | None], tuple[Part, Part | None]]:
    """Return the training part and the held-out part of rows and their targets; see `split_source`.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> (_, training_targets), _ = split_pairs((Rows(np.eye(10)), Rows(np.eye(10))), 0.2, seed=0)
    >>> len(training_targets)
    8
    """
    if isinstance(pairs[0], Stream):
        _, held_out = split(len(pairs[0]), fraction, seed, purpose)
        return (pairs[0].without(held_out), None), (Subset(pairs[0], held_out), None)  # type: ignore[return-value]
    streamed = any(each is not None and blocks_of(each) is not None for each in pairs)
    if streamed:
        halves = _split_runs(_runs(pairs[0]), fraction, seed, purpose)
    else:
        halves = split(len(pairs[0]), fraction, seed, purpose)
    part = Ranges if streamed else Subset
    parts = (tuple(None if each is None else part(each, half) for each in pairs) for half in halves)
    return tuple(parts)  # type: ignore[return-value]


def can_be_split(source: Source) -> bool:
    """Return whether some rows can be held out; not of crops that share numbers with all others."""
    return drawn(source, 0, 0) is source or (blocks := blocks_of(source)) is None or len(blocks) > 2


def _runs(source: Source) -> NDArray[np.int64]:
    """Return the bounds of the runs of a streamed source's rows that are held out together."""
    n, blocks = len(source), blocks_of(source)
    if not can_be_split(source):
        raise DataError(
            "the image or signal is too small: no part of it can be held out that shares nothing with the rest; give a "
            "larger one or several, a smaller patch or segment, or hold out none (--held-out 0, early_stopping=False)"
        )
    if blocks is not None and drawn(source, 0, 0) is not source:
        return blocks
    return np.append(np.arange(0, n, min(max(n // MIN_RUNS, 1), RUN_ROWS)), n)


def _split_runs(
    runs: NDArray[np.int64], fraction: float, seed: int, purpose: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the bounds [n_ranges, 2] of the ranges of training rows, and of those of held-out rows."""
    n, n_runs = int(runs[-1]), len(runs) - 1
    is_held_out = np.zeros(n_runs + 2, np.int8)  # with a border on both sides
    is_held_out[1 + split(n_runs, fraction, seed, purpose)[1]] = 1
    edges = runs[np.flatnonzero(np.diff(is_held_out))]  # where ranges of held-out rows begin and end
    others = np.concatenate([[0], edges, [n]]).reshape(-1, 2)
    return others[others[:, 0] < others[:, 1]], edges.reshape(-1, 2)
