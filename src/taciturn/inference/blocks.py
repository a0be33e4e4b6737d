"""A source's rows in blocks, on the model's device and in its precision."""

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from ..corruption import BLOCK
from ..data.device_rows import tensor
from ..data.sources import Source
from ..model import Autoencoder

if TYPE_CHECKING:
    pass

ENTRIES = 1 << 22  # of a block's widest array
GPU_TIMES = 16  # as many on a GPU, which a block of few rows would leave idle


def precise(model: Autoencoder, dtype: np.dtype[np.generic]) -> Autoencoder:
    """Return the model that computes in the rows' precision: itself, or for float64 rows a copy in float64."""
    return copy.deepcopy(model).double() if dtype == np.float64 else model


def row_blocks(model: Autoencoder, source: Source) -> Iterator[Tensor]:
    """Yield the source's rows on the model's device, in the input's units, as many at a time as memory allows."""
    entries = ENTRIES * GPU_TIMES if model.dictionary.is_cuda else ENTRIES
    size = max(entries // max(model.layout.widths) // BLOCK, 1) * BLOCK
    for start in range(0, len(source), size):
        yield tensor(source.read(start, min(start + size, len(source)))).to(model.dictionary.device)
