"""From rows, or from codes, to reconstructions."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.device_rows import tensor
from ..data.sources import Source
from ..model import Autoencoder, dense
from .blocks import in_row_precision, row_blocks, threads_for_rows


@torch.no_grad()
def denoise(model: Autoencoder, source: Source) -> Iterator[NDArray[np.generic]]:
    """Yield the reconstructions of each block of rows, in the input's units.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 rows a copy of it computes in float64.
    source : Source
        Rows [N, D], in the input's units.

    Yields
    ------
    array [B, D]
        The reconstructions of one block, blocks in order.
    """
    model = in_row_precision(model, source.dtype)
    for x in row_blocks(model, source):
        with threads_for_rows(model, len(x)):
            recon = model(x)
        yield recon.cpu().numpy()


@torch.no_grad()
def decode(model: Autoencoder, codes_NL: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the reconstructions of codes, in the input's units.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 codes a copy of it computes in float64.
    codes_NL : array [N, L]
        Codes.

    Returns
    -------
    array [N, D]
    """
    model = in_row_precision(model, codes_NL.dtype)
    codes = tensor(codes_NL).to(model.dictionary)
    with threads_for_rows(model, len(codes)):
        return model.reconstruct(dense(codes)).cpu().numpy()


@torch.no_grad()
def components(model: Autoencoder) -> NDArray[np.generic]:
    """Return what each latent with code 1 adds to the reconstruction, all other codes being 0.

    Parameters
    ----------
    model : Autoencoder
        The model.

    Returns
    -------
    array [L, D]
        In scaled units, before the output activation. For a decoder of one layer these are the dictionary's rows.
    """
    W = model.dictionary
    if len(model.decoder) == 1:
        return W.cpu().numpy()
    no_codes = W.new_zeros(1, len(W))
    unit_codes = torch.eye(len(W), dtype=W.dtype, device=W.device)
    return (model.decode(dense(unit_codes)) - model.decode(dense(no_codes))).cpu().numpy()


@torch.no_grad()
def errors(model: Autoencoder, source: Source, target: Source | None = None) -> Iterator[Tensor]:
    """Yield the errors x̂ - x of each block of rows, in scaled units.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 rows a copy of it computes in float64.
    source : Source
        Rows [N, D], in the input's units.
    target : Source or None
        Each row's partner, with which the reconstruction is compared; None: the row itself.

    Yields
    ------
    Tensor [B, D]
        The errors of one block, blocks in order.
    """
    model = in_row_precision(model, source.dtype)
    target_blocks = row_blocks(model, target) if target is not None else iter(())
    for rows in row_blocks(model, source):
        with threads_for_rows(model, len(rows)):
            x = model.scale_rows(rows)
            y = x if target is None else model.scale_rows(next(target_blocks))
            block_errors = model.output(model.decode(model.codes(x))) - y
        yield block_errors
