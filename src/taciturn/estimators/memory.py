"""The memory that a run will hold, by formulas, and the refusal of one that would hold more than a limit."""

from __future__ import annotations

import warnings
from copy import copy
from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import RecipeError
from ..core.plan import NUMBER, Plan
from ..core.schedules import final
from ..core.sizes import size_text
from ..data.fingerprint import BLOCK_NUMBERS, BLOCK_ROWS
from ..data.held_bytes import held_bytes
from ..data.moments import PART_NUMBERS
from ..data.sources import Source, blocks_of
from ..data.split import Pairs
from ..data.survey import THREADS
from ..training.feed import SAMPLE_NUMBERS
from ..training.learner import SAMPLE_ROWS
from .rows import training_sources
from .tables import levels_of

if TYPE_CHECKING:
    from ..model import Layout
    from ..training import Settings
    from .base import BaseAutoencoder

ROWS, WINDOW, ORDER, MODEL, BATCH = "rows in memory", "shuffle window", "order of rows", "model", "batch"
ADAM_COPIES = 5  # weights, gradients, two averages, and the last weights with a finite loss
CHECKPOINT_COPIES = 3  # weights and two averages, while they are written
ARRAYS_PER_UNIT = 4  # of a dense step: pre-activation, activation and their gradients


def check_memory(
    estimator: BaseAutoencoder,
    limit: int,
    training: Pairs,
    held_out: Pairs | None,
    *,
    checkpoints: bool = False,
    latent_processes: int = 1,
) -> None:
    """Raise RecipeError if a fit would hold more memory than a limit.

    Parameters
    ----------
    estimator : BaseAutoencoder
        The estimator; it does not change.
    limit : int
        Bytes, beside those of Python, torch and the libraries.
    training, held_out : (Source, Source or None)
        The rows to train on and their targets, and those that are held out from them.
    checkpoints : bool, default=False
        Whether checkpoints are written.
    latent_processes : int, default=1
        Among how many processes the latents are distributed.

    Raises
    ------
    RecipeError
        The run would hold more. The message names the largest part.
    """
    from .resolve import measured, resolve, scaling_dtype, survey_rows

    checked = copy(estimator)
    source, targets, _ = training_sources(checked, *training)
    parameters = checked._run_parameters(pairs=targets is not None)
    shape = parameters.image or checked._row_shape(source.shape)
    parameters = replace(parameters, levels=levels_of(checked), image=shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `fit` warns
        measures = partial(measured, scaling=parameters.scaling, rows=survey_rows(parameters.survey_rows))
        moments = measures(source).moments
        target_moments = None if targets is None else measures(targets).moments
        dtype = scaling_dtype(source, source)
        settings = resolve(parameters, moments, dtype, targets=target_moments, n_rows=len(source))
    if latent_processes > 1:
        layout = settings.layout
        widths = *layout.widths[:-1], -(-layout.widths[-1] // latent_processes)
        settings = replace(settings, layout=replace(layout, widths=widths))
    parts = run_memory(settings, (source, targets), held_out, checkpoints=checkpoints)
    if (before := survey_memory(settings, source)) > limit:
        raise RecipeError(
            f"the survey of the rows before the first step holds {size_text(before)}, more than --memory "
            f"{size_text(limit)}: give more memory"
        )
    total, largest = sum(parts.values()), max(parts, key=parts.__getitem__)
    if total > limit:
        mend = _mend(largest, parts, limit - total + parts[largest], settings, (source, targets))
        mend = "raise --latent-processes" if latent_processes > 1 and largest == MODEL else mend
        raise RecipeError(
            f"the run would hold {size_text(total)}, more than --memory {size_text(limit)}; the largest part is the "
            f"{largest}, {size_text(parts[largest])}: {mend or 'give more memory'}"
        )


def run_memory(
    settings: Settings, training: Pairs, held_out: Pairs | None = None, *, checkpoints: bool = False
) -> dict[str, int]:
    """Return the bytes of each part of a run on the CPU, by name.

    Parameters
    ----------
    settings : Settings
    training, held_out : (Source, Source or None)
        The rows to train on and their targets, and those that are held out from them.
    checkpoints : bool, default=False
        Whether checkpoints are written.

    Notes
    -----
    Of streamed rows: two windows (one, if all rows lie in it), the order of one, and five blocks that are read ahead.
    The batch counts the sample of rows on which the network is initialised as well.
    """
    source, targets = training
    layout, numbers = settings.layout, prod(source.shape) + (0 if targets is None else prod(targets.shape))
    streamed = [each for each in training if each is not None and blocks_of(each) is not None]
    copies = ADAM_COPIES + (CHECKPOINT_COPIES if checkpoints else 0)
    n_sample = min(len(source), SAMPLE_ROWS, max(SAMPLE_NUMBERS // prod(source.shape), 1))
    parts = {ROWS: held_bytes(*training, *(held_out or ()))}
    if streamed:
        parts[WINDOW] = sum(_window_bytes(settings.shuffle_window, each) for each in streamed)
    else:
        parts[ORDER] = 8 * len(source)
    parts[MODEL] = copies * NUMBER * n_weights(layout)
    parts[BATCH] = _batch_bytes(settings, len(source)) + 2 * NUMBER * n_sample * numbers
    return parts


def survey_memory(settings: Settings, source: Source) -> int:
    """Return the bytes that the survey of streamed rows holds before there is a network: of all rows or of a part.

    Notes
    -----
    These are five blocks of at most 8,192 rows and 8 million numbers, each with its products of columns where the
    scaling whitens, and the parts of four of them in float64.
    """
    if blocks_of(source) is None:
        return 0
    n_columns = prod(source.shape)
    rows = min(max(min(BLOCK_ROWS, BLOCK_NUMBERS // n_columns), 1), len(source))
    products = 8 * n_columns**2 if settings.scaling.whitens else 0
    parts = THREADS * 8 * min(PART_NUMBERS, rows * n_columns)
    return (THREADS + 1) * (rows * n_columns * source.dtype.itemsize + products) + parts


def n_weights(layout: Layout) -> int:
    """Return the number of weights and biases of a network, and of the numbers by which it scales rows."""
    if layout.network.for_images:
        import torch

        from ..model import create

        with torch.device("meta"):
            model = create(layout, rng=None)
        return sum(tensor.numel() for tensor in (*model.parameters(), *model.buffers()))
    inputs, decoder = layout.widths[0], (*layout.widths[:0:-1], layout.n_outputs)
    encoder = sum(a * b + b for a, b in pairwise(layout.widths))
    decoding = sum((0 if layout.tied else a * b) + b for a, b in pairwise(decoder))
    scaling = inputs * (1 + (2 * inputs if layout.whitened else 0) + 8 * layout.quantiles)
    return encoder + decoding + scaling + (inputs * layout.n_outputs if layout.skip else 0)


def _window_bytes(window: int, source: Source) -> int:
    blocks: Any = blocks_of(source)
    n_rows, n_columns = len(source), prod(source.shape)
    row_bytes, block = n_columns * source.dtype.itemsize, int(np.diff(blocks).max())
    held = min(window + block, n_rows)
    return (1 if window >= n_rows else 2) * held * row_bytes + 8 * held + (THREADS + 1) * block * row_bytes


def _batch_bytes(settings: Settings, n_rows: int) -> int:
    """Return the bytes of a batch with its activations and its reconstruction."""
    from ..model import Capability
    from ..training.step.plan import MANY_LATENTS

    layout, batch_rows = settings.layout, min(settings.batch_size, n_rows)
    inputs, latents = layout.widths[0], layout.widths[-1]
    if len(layout.widths) == 2 and Capability.RANKED_CODES in layout.provides() and latents >= MANY_LATENTS:
        need = Plan(n_rows, max(inputs, layout.n_outputs), latents, _k(layout), batch_size=batch_rows).need("rows")
        return need.batch + need.pre_activations
    units = 2 * sum(layout.widths[1:]) - latents + sum(layout.network.inner_widths(layout.image or ()))
    return NUMBER * batch_rows * (ARRAYS_PER_UNIT * units + 3 * max(inputs, layout.n_outputs))


def _k(layout: Layout) -> int:
    """Return the number of active latents of a row, under a schedule that of its end; 1 where the layer sets none."""
    return int(final(getattr(layout.coder, "k", 1)))


def _mend(part: str, parts: dict[str, int], room: int, settings: Settings, training: Pairs) -> str | None:
    """Return what makes a part fit into some bytes; None if nothing does."""
    if room <= 0:
        return None
    if part == ROWS and getattr(training[0], "variables", None) is not None:
        return "use fewer columns (--columns)"
    if part == ROWS:
        return "save them as .npy, which stays on the disk"
    share = room / parts[part]
    if part == WINDOW:
        streamed = [each for each in training if each is not None and blocks_of(each) is not None]
        rows = _largest(settings.shuffle_window, lambda n: sum(_window_bytes(n, each) for each in streamed) <= room)
        return f"set --shuffle-window {rows}" if rows >= settings.batch_size else None
    layout = settings.layout
    if part == MODEL:
        each = parts[MODEL] // n_weights(layout)

        def fits(latents: int) -> bool:
            return each * n_weights(replace(layout, widths=(*layout.widths[:-1], latents))) <= room

        latents = _largest(layout.widths[-1], fits)
        widths = ",".join(map(str, (*layout.widths[1:-1], latents)))
        return (
            f"set --latents {widths}"
            if latents >= _k(replace(layout, widths=(*layout.widths[:-1], max(latents, 1))))
            else None
        )
    rows = int(share * settings.batch_size)
    return f"set --batch-size {rows}" if part == BATCH and rows else None


def _largest(most: int, fits: Any) -> int:
    """Return the largest whole number up to `most` that fits; 0 if none does."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
