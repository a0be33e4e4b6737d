"""The numbers of single rows under a model by which rows are compared with the training rows."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from ..data.sources import Source
from ..metrics import RowScores
from ..model import Autoencoder
from .blocks import mean_of_known, outputs_of, row_blocks, target_blocks, threads_for_rows, with_missing
from .units import Units


@torch.no_grad()
def row_scores(model: Autoencoder, source: Source, target: Source | None = None) -> RowScores:
    """Return each row's reconstruction error, distance from the model's centre and number of active latents.

    Parameters
    ----------
    model : Autoencoder
        The model. It computes in its own precision, so that the numbers do not depend on the type of the rows.
    source : Source
        Rows [N, D], in the input's units.
    target : Source or None
        Each row's target, with which its reconstruction is compared; None: the row itself.

    Returns
    -------
    RowScores

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> from taciturn.model import Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> row_scores(model, Rows(torch.rand(10, 4).numpy())).count
    10
    """
    units, targets = Units(model), target_blocks(model, target)
    metric, parts = units.metric(), []
    for rows in row_blocks(model, source):
        with threads_for_rows(model, len(rows)):
            x, lengths = model.scaled_and_lengths(rows)
            codes = model.codes(x)
            recon = units.outputs(outputs_of(model, rows, x, codes, hidden=target is None), lengths)
            y = with_missing(units.rows(rows, x), rows) if target is None else units.rows(next(targets))
            metric.add(y, recon)
            errors = units.errors(recon.double(), y.double()).square()
            distances = ((rows.double() - model.mean) / model.scale).square()
            error, square = mean_of_known(errors, 1), mean_of_known(y.double().square(), 1)
            relative = (1 / (1 + square / error)).nan_to_num(0.0)  # 0 / 0: a row of zeros without an error
            numbers = (error, relative, mean_of_known(distances, 1), model.latents.sum(codes.l0()).double())
            parts.append(np.stack([each.cpu().numpy() for each in numbers]))
    error_N, relative_N, distance_N, active_N = _known(np.concatenate(parts, axis=1)) if parts else np.zeros((4, 0))
    return RowScores(error_N, relative_N, distance_N, active_N, metric.fvu if parts else math.nan)


def _known(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the numbers [4, N] of the rows that have known values."""
    return numbers[:, ~np.isnan(numbers[:3]).any(0)]
