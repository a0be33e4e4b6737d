"""Rows, or codes, to reconstructions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.device_rows import tensor
from ..data.sources import Source
from ..model import Autoencoder, dense

if TYPE_CHECKING:
    pass

from .blocks import precise, row_blocks


@torch.no_grad()
def denoise(model: Autoencoder, source: Source) -> Iterator[NDArray[np.generic]]:
    """Yield the reconstructions of each block of rows, in the input's units."""
    model = precise(model, source.dtype)
    for x in row_blocks(model, source):
        yield model(x).cpu().numpy()


@torch.no_grad()
def decode(model: Autoencoder, codes_NL: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return rows in the input's units [N, D] for codes [N, L]."""
    model = precise(model, codes_NL.dtype)
    said = tensor(codes_NL).to(model.dictionary)
    return model.reconstruct(dense(said)).cpu().numpy()


@torch.no_grad()
def components(model: Autoencoder) -> NDArray[np.generic]:
    """Return what each latent at 1, all others at 0, adds to the reconstruction before its activation [L, D]."""
    W = model.dictionary
    if len(model.decoder) == 1:
        return W.cpu().numpy()
    nothing = W.new_zeros(1, len(W))
    one_each = torch.eye(len(W), dtype=W.dtype, device=W.device)
    return (model.decode(dense(one_each)) - model.decode(dense(nothing))).cpu().numpy()


@torch.no_grad()
def errors(model: Autoencoder, source: Source, target: Source | None = None) -> Iterator[Tensor]:
    """Yield x̂ - x of each block of rows [B, D], in scaled units; x is the target's row where one is given."""
    model = precise(model, source.dtype)
    targets = row_blocks(model, target) if target is not None else iter(())
    for x in row_blocks(model, source):
        scaled = model.scale_rows(x)
        wanted = scaled if target is None else model.scale_rows(next(targets))
        yield model.output(model.decode(model.codes(scaled))) - wanted
