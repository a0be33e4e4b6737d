"""A source's rows in blocks, on the model's device."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core.errors import RecipeError
from ..corruption import BLOCK, Corruption
from ..data.device_rows import tensor
from ..data.sources import Rows, Source, Subset
from ..kernels import one_thread_if_small
from ..model import Autoencoder, Codes
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
        Blocks in order. B is a multiple of 64, but for the last block, which has at least 64 rows if the source has as
        many: a product of a few rows has other bits than that of many.
    """
    entries = ENTRIES * GPU_FACTOR if model.dictionary.is_cuda else ENTRIES
    size = max(entries // model.layout.widest // BLOCK, 1) * BLOCK
    start, n_rows = 0, len(source)
    while start < n_rows:
        stop = start + size if n_rows - start >= size + BLOCK else n_rows
        yield tensor(source.read(start, stop)).to(model.dictionary.device)
        start = stop


def threads_for_rows(model: Autoencoder, n_rows: int) -> AbstractContextManager[None]:
    """Return a context in which one thread computes so many rows, if that is little work."""
    return one_thread_if_small(n_rows * model.row_multiplications)


def target_blocks(model: Autoencoder, target: Source | None) -> Iterator[Tensor]:
    """Yield the targets of the rows that `row_blocks` yields, in the same blocks; nothing where there are none.

    Raises
    ------
    RecipeError
        There are none, and the model's targets have other columns than rows.
    """
    if target is None:
        require_own_targets(model, "errors are those of its targets; give them: score(X, target=Y)")
    return iter(()) if target is None else row_blocks(model, target)


def require_own_targets(model: Autoencoder, instead: str) -> None:
    """Raise RecipeError, which ends with what to do instead, if the model's targets have other columns than rows."""
    if model.layout.outputs:
        raise RecipeError(f"the model was trained on targets that have other columns than its rows; {instead}")


def with_missing(y: Tensor, rows: Tensor) -> Tensor:
    """Return y with NaN where the rows [B, D] that it was computed from have missing values."""
    return y if (missing := missing_of(rows)) is None else y.masked_fill(missing, math.nan)


def outputs_of(model: Autoencoder, rows: Tensor, x: Tensor, codes: Codes, *, hidden: bool) -> Tensor:
    """Return what a model makes of scaled rows x [B, D] with these codes, before the scaling is undone.

    A model that hides entries (`blind_spot`) estimates each from the others; where they are not `hidden`, it joins the
    estimate with the known value, as `denoise` does.
    """
    if model.blind_spots is None:
        return model.output(model.decode(codes, x))
    return model.predicted(x) if hidden else model.denoised(x, missing_of(rows))


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


def of_any_count(compute: Callable[[Source], Iterable[Any]], source: Source) -> Iterator[Any]:
    """Yield what is computed from a source's rows in blocks, with bits that do not depend on the number of rows.

    Libraries of linear algebra add up the product of a few rows in another order than that of many. So fewer than 64
    rows are computed as 64, with repetitions that are left out of the result.

    Parameters
    ----------
    compute : callable
        Yields blocks of results for a source, such as `encode`.
    source : Source
        Rows [N, D]; N may be 0.

    Yields
    ------
    array or scipy.sparse.csr_array [B, ...]

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> [block.shape for block in of_any_count(lambda rows: [rows.read(0, 64)], Rows(np.eye(3)))]
    [(3, 3)]
    """
    n_rows = len(source)
    if n_rows >= BLOCK:
        yield from compute(source)
        return
    rows = (
        Subset(source, np.arange(BLOCK) % n_rows) if n_rows else Rows(np.zeros((1, prod(source.shape)), source.dtype))
    )
    for block in compute(rows):
        yield block[:n_rows]
