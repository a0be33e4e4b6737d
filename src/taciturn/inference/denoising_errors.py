"""The errors of rows without noise, as noisy rows alone tell them."""

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.errors import RecipeError
from ..data.sources import Source
from ..model import Autoencoder
from .blocks import mean_of_known, row_blocks, threads_for_rows, with_missing
from .precision import in_row_precision


@torch.no_grad()
def denoising_errors(model: Autoencoder, source: Source, noise: float) -> NDArray[np.float64]:
    """Return each row's estimate of the mean squared error of `Autoencoder.denoise` against the clean row.

    Parameters
    ----------
    model : Autoencoder
        A model that hides entries.
    source : Source
        Noisy rows [N, D], in the input's units.
    noise : float
        Standard deviation of the noise, in these units; 0: the errors of hidden entries against the noisy rows.

    Returns
    -------
    array [N], float64
        In squared units of the rows; NaN where no value of a row is known.
    """
    model = in_row_precision(model, source.dtype)
    spots, errors = model.blind_spots, []
    if spots is None:
        raise RecipeError("the model hides no entries; train it with corruption='blind_spot:0.2'")
    weight, variance = (spots.weight if noise else torch.zeros_like(spots.weight)), noise**2
    for rows in row_blocks(model, source):
        with threads_for_rows(model, len(rows)):
            x = model.scale_rows(rows)
            residual = with_missing((spots.estimates(model, x) - x).double() * model.scale, rows)
            terms = (1 - weight) ** 2 * (residual.square() - variance) + weight**2 * variance
        errors.append(mean_of_known(terms, 1).cpu().numpy())
    return np.concatenate(errors)
