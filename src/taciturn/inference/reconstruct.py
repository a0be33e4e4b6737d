"""From rows, or from codes, to reconstructions."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..data.device_rows import tensor
from ..data.sources import Source
from ..model import Autoencoder, dense
from ..model.coding_layers import ByVariable
from .blocks import missing_of, require_own_targets, row_blocks, target_blocks, threads_for_rows, with_missing
from .precision import in_row_precision
from .units import Units

INSTEAD = "call predict(X), which returns the targets' estimates"


@torch.no_grad()
def denoise(model: Autoencoder, source: Source) -> Iterator[NDArray[np.generic]]:
    """Yield each block of rows without noise, in the targets' units; see `Autoencoder.denoise`.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 rows a twin computes in float64.
    source : Source
        Rows [N, D], in the input's units.

    Yields
    ------
    array [B, D]
        The reconstructions of one block, blocks in order.
    """
    require_own_targets(model, INSTEAD)
    for _, recon in _denoised(model, source):
        yield recon.cpu().numpy()


@torch.no_grad()
def predict(model: Autoencoder, source: Source) -> Iterator[NDArray[np.generic]]:
    """Yield the estimates of the targets [B, n_targets] of each block of rows, in the targets' units."""
    for _, recon in _denoised(model, source):
        yield recon.cpu().numpy()


@torch.no_grad()
def impute(model: Autoencoder, source: Source) -> Iterator[NDArray[np.generic]]:
    """Yield each block of rows with missing values replaced by those of `denoise`; known values stay.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 rows a twin computes in float64.
    source : Source
        Rows [N, D], in the input's units.

    Yields
    ------
    array [B, D]
        Float64 for float64 rows, else float32; blocks in order.
    """
    require_own_targets(model, INSTEAD)
    for x, recon in _denoised(model, source):
        rows = x.to(recon)
        yield torch.where(rows.isnan(), recon, rows).cpu().numpy()


@torch.no_grad()
def _denoised(model: Autoencoder, source: Source) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each block of rows and what the model denoises it to."""
    model = in_row_precision(model, source.dtype)
    for x in row_blocks(model, source):
        with threads_for_rows(model, len(x)):
            recon = model.denoise(x)
        yield x, recon


@torch.no_grad()
def decode(model: Autoencoder, codes_NL: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the reconstructions of codes, in the targets' units.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 codes a twin computes in float64.
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
        In scaled units, before the output activation. For a decoder of one layer a copy of the dictionary's rows.
    """
    W = model.dictionary
    if len(model.decoder) <= 1:
        return W.cpu().numpy().copy()  # a view would change with the weights, and they with it
    no_codes = W.new_zeros(1, len(W))
    unit_codes = torch.eye(len(W), dtype=W.dtype, device=W.device)
    return (model.decode(dense(unit_codes)) - model.decode(dense(no_codes))).cpu().numpy()


def relative_components(model: Autoencoder) -> NDArray[np.generic]:
    """Return `components` [L, D], for a table with the mean 0 over the levels of each category.

    What is added to the logits of all levels of a category changes no probability.
    """
    added, output = components(model), model.layout.output
    return output.relative_logits(torch.from_numpy(added)).numpy() if isinstance(output, ByVariable) else added


@torch.no_grad()
def directions(model: Autoencoder, unit: ArrayLike | None = None) -> NDArray[np.generic]:
    """Return what each latent adds to the reconstruction, in units that do not depend on the scaling.

    Cosines of latents of several models are those of these directions: scaled units differ from model to model.

    Parameters
    ----------
    model : Autoencoder
        The model.
    unit : array-like [D], optional
        The unit of each column; by default the model's own. For models that were trained on different rows give one
        unit for all.

    Returns
    -------
    array [L, D]
        `components`, times the targets' scale over the unit; without the colouring where the model whitens. Before the
        output activation, and before the tables of a scaling by ranks. Of booleans and categories logits: those of a
        category have the mean 0, for what all of its levels share changes no probability.
    """
    scaled = torch.from_numpy(relative_components(model)).to(model.unit.device)
    return Units(model, unit).directions(scaled).to(scaled.dtype).cpu().numpy()


@torch.no_grad()
def errors(model: Autoencoder, source: Source, target: Source | None = None) -> Iterator[Tensor]:
    """Yield the errors x̂ - x of each block of rows, in units that do not depend on the scaling; see `Units`.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 rows a twin computes in float64.
    source : Source
        Rows [N, D], in the input's units.
    target : Source or None
        Each row's partner, with which the reconstruction is compared; None: the row itself. A model that hides entries
        is then judged by its estimate of each entry from the others, else by what `denoise` returns.

    Yields
    ------
    Tensor [B, D]
        The errors of one block, blocks in order; NaN where the target's value is missing. Of a table with booleans and
        categories one for each variable [B, V].
    """
    model = in_row_precision(model, source.dtype)
    units, targets = Units(model), target_blocks(model, target)
    for rows in row_blocks(model, source):
        with threads_for_rows(model, len(rows)):
            x, lengths = model.scaled_and_lengths(rows)
            recon = model.predicted(x) if target is None else model.denoised(x, missing_of(rows))
            y = with_missing(units.rows(rows, x), rows) if target is None else units.rows(next(targets))
            block_errors = units.errors(units.outputs(recon, lengths), y).to(recon)
        yield block_errors
