"""The errors of rows without noise, as noisy rows alone tell them."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.errors import RecipeError
from ..corruption import Gaussian, corrupted
from ..data.sources import Source
from ..model import Autoencoder
from .blocks import mean_of_known, missing_of, row_blocks, threads_for_rows, with_missing
from .precision import in_row_precision

STEP = 0.01  # of the divergence, in standard deviations of the noise


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
    errors = []
    for rows in row_blocks(model, source):
        with threads_for_rows(model, len(rows)):
            x = model.scale_rows(rows)
            residuals = with_missing(model.predicted(x) - x, rows)
            errors.append(denoising_errors_of(model, residuals, noise))
    return np.concatenate(errors)


@torch.no_grad()
def stein_errors(model: Autoencoder, source: Source, noise: float) -> NDArray[np.float64]:
    """Return each row's estimate of the mean squared error of `Autoencoder.denoise`, for Gaussian noise of known size.

    Parameters
    ----------
    model : Autoencoder
        It denoises a row from all of its entries.
    source : Source
        Noisy rows [N, D], in the input's units.
    noise : float
        Standard deviation of the noise in the units of the scaled rows, > 0.

    Returns
    -------
    array [N], float64
        In squared units of the rows; NaN where no value of a row is known. Without bias, but for single rows noisy: it
        can be below 0.

    Notes
    -----
    Stein (1981): E |f(y) - x|² = E [|f(y) - y|² - D σ² + 2 σ² div f(y)]; with the divergence of Ramani, Blu and Unser
    (2008), b' (f(y + ε b) - f(y)) / ε for a draw of b ~ N(0, 1).
    """
    model, errors, n_rows = in_row_precision(model, source.dtype), [], 0
    for rows in row_blocks(model, source):
        with threads_for_rows(model, len(rows)):
            x, missing = model.scale_rows(rows), missing_of(rows)
            b = corrupted(torch.zeros_like(x), Gaussian(1.0), seed=0, purpose="divergence", first_row=n_rows)
            step, denoised = STEP * noise, model.denoised(x, missing)
            change = (model.denoised(x + step * b, missing) - denoised) / step
            terms = (denoised - x).square() - noise**2 + 2 * noise**2 * b * change
            errors.append(mean_of_known(with_missing(terms.double() * model.scale**2, rows), 1).cpu().numpy())
            n_rows += len(rows)
    return np.concatenate(errors)


def mean_and_standard_error(errors: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Return the mean of the rows' errors, in blocks, and its standard deviation over draws of so many rows.

    Rows without any known value are left out. NaN is the standard error of one row.

    Examples
    --------
    >>> mean_and_standard_error([np.array([1.0, 3.0]), np.array([np.nan])])
    (2.0, 1.0)
    """
    known = np.concatenate(errors)
    known = known[~np.isnan(known)]
    return float(known.mean()), float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else np.nan


def denoising_errors_of(model: Autoencoder, residuals: Tensor, noise: float) -> NDArray[np.float64]:
    """Return what `denoising_errors` returns, for the differences of a block's estimates and its scaled rows [B, D].

    Raises
    ------
    RecipeError
        The model hides no entries.
    """
    if model.blind_spots is None:
        raise RecipeError("the model hides no entries; train it with corruption='blind_spot:0.2'")
    weight = model.blind_spots.weight if noise else torch.zeros_like(model.blind_spots.weight)
    squares = (residuals.double() * model.scale).square()
    terms = (1 - weight) ** 2 * (squares - noise**2) + weight**2 * noise**2
    return mean_of_known(terms, 1).cpu().numpy()
