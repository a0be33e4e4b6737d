"""A source's rows in blocks, on the model's device."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

from torch import Tensor

from ..corruption import BLOCK
from ..data.device_rows import tensor
from ..data.sources import Source
from ..kernels import one_thread_if_small
from ..model import Autoencoder

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
