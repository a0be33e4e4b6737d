"""Rows to codes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from ..data.sources import Source
from ..model import Autoencoder, Codes, Sparse

if TYPE_CHECKING:
    from scipy.sparse import csr_array

from .blocks import precise, row_blocks


@torch.no_grad()
def encode(model: Autoencoder, source: Source) -> Iterator[Codes]:
    """Yield the codes of each block of rows."""
    model = precise(model, source.dtype)
    for x in row_blocks(model, source):
        yield model.encode(x)


def sparse(codes: Codes) -> "csr_array":
    """Return a block's codes as SciPy CSR [B, L], its zeros left out."""
    from scipy.sparse import csr_array

    if not isinstance(codes, Sparse):
        return csr_array(codes.dense().cpu().numpy())
    said = codes.keep(codes.values != 0)
    values, latents, starts = (part.cpu().numpy() for part in (said.values, said.index.latents, said.index.starts))
    found = csr_array((values, latents, starts), shape=(codes.n_rows, codes.n_latents))
    found.sort_indices()
    return found
