"""A source's rows in blocks, on the model's device."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from ..corruption import BLOCK, Corruption
from ..data.device_rows import tensor
from ..data.sources import Source
from ..kernels import one_thread_if_small
from ..model import Autoencoder
from ..model.row_lengths import of_both

ENTRIES = 1 << 22  # numbers of a block's widest array
GPU_FACTOR = 16  # how many times as many on a GPU: a block of few rows would not keep it busy


def row_blocks(model: Autoencoder, source: Source) -> Iterator[Tensor]:
    """Yield a source's rows in blocks, on the model's device, in the input's units.

    Parameters
    ----------
    model : Autoencoder
        The model that the blocks are for; its widest layer decides their size.
    source : Source
        Rows [N, D].

    Yields
    ------
    Tensor [B, D]
        Blocks in order. B is a multiple of 64, but for the last block.
    """
    entries = ENTRIES * GPU_FACTOR if model.dictionary.is_cuda else ENTRIES
    size = max(entries // max(model.layout.widths) // BLOCK, 1) * BLOCK
    for start in range(0, len(source), size):
        yield tensor(source.read(start, min(start + size, len(source)))).to(model.dictionary.device)


def threads_for_rows(model: Autoencoder, n_rows: int) -> AbstractContextManager[None]:
    """Return a context in which one thread computes so many rows, if that is little work."""
    return one_thread_if_small(n_rows * model.row_multiplications)


def target_blocks(model: Autoencoder, target: Source | None) -> Iterator[Tensor]:
    """Yield the targets of the rows that `row_blocks` yields, in the same blocks; nothing where there are none."""
    return iter(()) if target is None else row_blocks(model, target)


def with_missing(y: Tensor, rows: Tensor) -> Tensor:
    """Return y with NaN where the rows [B, D] that it was computed from have missing values."""
    return y if (missing := missing_of(rows)) is None else y.masked_fill(missing, math.nan)


def filled(noisy: Tensor, x: Tensor, rows: Tensor, fill: Tensor) -> Tensor:
    """Return corrupted rows [B, D] as the network gets them.

    Where the rows have missing values there is no noise, but the entries of the clean rows x; values that the
    corruption made missing are `fill` [D].
    """
    if (hidden := missing_of(noisy)) is not None:
        noisy = torch.where(hidden, fill, noisy)
    return noisy if (missing := missing_of(rows)) is None else torch.where(missing, x, noisy)


def of_noisy_length(
    model: Autoencoder, noisy: Tensor, rows: Tensor, lengths: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Return corrupted rows [B, D], before they are filled, divided by their own lengths, and these lengths [B, 1].

    Only a scaling by rows changes them: `lengths` are those of the clean `rows`, or None without one.
    """
    if lengths is None:
        return noisy, None
    noisy, own = model.of_own_length(with_missing(noisy, rows))
    return noisy, None if own is None else of_both(lengths, own)


def corrupted_only(y: Tensor, noisy: Tensor, x: Tensor, corruption: Corruption) -> Tensor:
    """Return the targets y [B, D] by which a model is judged under a corruption; NaN where it is not.

    Where the corruption makes values missing, a model is judged on the entries that it changed: to copy the others is
    no merit. `noisy` are the corrupted rows, before they are filled, and x the clean ones.
    """
    return y.masked_fill(noisy == x, math.nan) if corruption.makes_missing else y


def missing_of(rows: Tensor) -> Tensor | None:
    """Return which values of rows [B, D] are missing; None if none is."""
    missing = rows.isnan() if rows.is_floating_point() else None
    return missing if missing is not None and bool(missing.any()) else None


def mean_of_known(numbers: Tensor, dim: int) -> Tensor:
    """Return the mean over one axis of the numbers [B, D] that are not NaN."""
    return numbers.nanmean(dim) if bool(numbers.isnan().any()) else numbers.mean(dim)
