"""From rows to codes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..data.sources import Source
from ..model import Autoencoder, Codes, Sparse
from .blocks import row_blocks, threads_for_rows
from .precision import in_row_precision

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@torch.no_grad()
def encode(model: Autoencoder, source: Source) -> Iterator[Codes]:
    """Yield the codes of each block of rows.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 rows a twin computes in float64.
    source : Source
        Rows [N, D], in the input's units.

    Yields
    ------
    Codes [B, L]
        The codes of one block, blocks in order; see `row_blocks`.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> from taciturn.model import Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> [to_csr(codes).shape for codes in encode(model, Rows(torch.rand(10, 4).numpy()))]
    [(10, 8)]
    """
    model = in_row_precision(model, source.dtype)
    for x in row_blocks(model, source):
        with threads_for_rows(model, len(x)):
            codes = model.encode(x)
        yield codes


def all_codes(model: Autoencoder, source: Source) -> "NDArray[Any] | csr_array":
    """Return the codes of all rows [N, L], in memory: a SciPy CSR array if they are sparse."""
    blocks = list(encode(model, source))
    if all(isinstance(block, Sparse) for block in blocks):
        from scipy.sparse import vstack

        codes: csr_array = vstack([to_csr(block) for block in blocks], format="csr")
        return codes
    return np.concatenate([block.dense().cpu().numpy() for block in blocks])


def to_csr(codes: Codes) -> "csr_array":
    """Return a block's codes as a SciPy CSR array [B, L].

    Parameters
    ----------
    codes : Codes [B, L]
        Dense or sparse codes, on any device.

    Returns
    -------
    scipy.sparse.csr_array [B, L]
        Without explicit zeros, its indices sorted.
    """
    from scipy.sparse import csr_array

    if not isinstance(codes, Sparse):
        return csr_array(codes.dense().cpu().numpy())
    active = codes.keep(codes.values != 0)
    parts = active.values, active.index.latents, active.index.starts
    values, latents, starts = (part.cpu().numpy() for part in parts)
    csr = csr_array((values, latents, starts), shape=(codes.n_rows, codes.n_latents))
    csr.sort_indices()
    return csr
