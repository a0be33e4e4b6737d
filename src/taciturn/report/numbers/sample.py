"""A sample of rows with all their codes in memory, for numbers that cannot be streamed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.seeds import generator
from ...data.sources import Source, Subset
from ...inference import all_codes
from ...model import Autoencoder, Capability
from .numbers import ShortRepr

MAX_ROWS = 20_000
MIN_ROWS = 1_000  # however many numbers these rows have
MAX_NUMBERS = 1 << 25  # numbers of all rows, and of all codes if these are dense


@dataclass(frozen=True, eq=False, repr=False)
class Sample(ShortRepr):
    """The codes of some rows of a source.

    Parameters
    ----------
    indices : array [S] of int
        The rows' indices in the source, ascending.
    codes : array [S, L] or SciPy CSR array [S, L]
        The rows' codes; CSR if the model's codes are sparse.
    """

    indices: NDArray[np.intp]
    codes: Any


def sample(model: Autoencoder, source: Source, *, seed: int = 0) -> Sample:
    """Return the codes of a sample of a source's rows.

    Parameters
    ----------
    model : Autoencoder
        The model that encodes the rows.
    source : Source
        Rows [N, D], in the input's units.
    seed : int, default=0
        Seed of the draw.

    Returns
    -------
    Sample
        All N rows if they are few enough, else rows drawn without replacement: at most 20,000, and fewer where rows or
        dense codes are wide (at most 2²⁵ numbers, but at least 1,000 rows).
    """
    dense = Capability.ZERO_CODES not in model.layout.coder.provides
    width = max(model.layout.widths) if dense else model.layout.widths[0]
    n_rows = min(len(source), MAX_ROWS, max(MAX_NUMBERS // width, MIN_ROWS))
    drawn = torch.randperm(len(source), generator=generator(seed, "sample"))[:n_rows].numpy()
    indices = np.sort(drawn) if n_rows < len(source) else np.arange(n_rows)
    return Sample(indices, all_codes(model, Subset(source, indices) if n_rows < len(source) else source))


def column(codes: Any, latent: int) -> NDArray[Any]:
    """Return one latent's codes [S] from an array or a SciPy CSR array [S, L]."""
    if isinstance(codes, np.ndarray):
        dense: NDArray[Any] = codes[:, latent]
    else:
        dense = codes[:, [latent]].toarray()[:, 0]
    return dense
