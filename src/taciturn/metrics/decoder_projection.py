"""The decoder projection score, which shows whether the number of active latents is right; see also `mean_cosine`."""

from typing import Any

import numpy as np

from ..core.errors import DataError, RecipeError
from .arrays import finite_matrix, to_numpy, unit_rows


def decoder_projection(rows: Any, dictionary: Any, *, n: int | None = None, bias: Any = None) -> float:
    """Return the n-th decoder projection score s_n; the right number of active latents has the least.

    Parameters
    ----------
    rows : array of shape [B, D]
        Some thousands of rows: all B L projections are held in memory at once, in the rows' precision.
    dictionary : array of shape [L, D]
        The decoder's rows, in the units of `rows`. They are scaled to norm 1.
    n : int, optional
        From 1 to L - 1, and well above any number of active latents that could be right; L // 2 by default, near
        which the score served its authors best.
    bias : array of shape [D], optional
        The decoder's bias, the reconstruction of a row without active latents; 0 by default.

    Returns
    -------
    float
        s_n, in the units of the rows. Compare it only among dictionaries with the same rows and the same L.

    Raises
    ------
    RecipeError
        If n lies outside [1, L - 1].
    DataError
        If rows and dictionary differ in width, are not finite, or the dictionary has one row.

    Notes
    -----
    Chanin and Garriga-Alonso ("Sparse but Wrong", arXiv 2508.16560; v3, eq. 59). The projections (x - bias) · W_l of B
    rows on L latents, with their signs, are sorted together from the largest down. s_n is the one at position n B,
    counted from 0. Latents that should be inactive project to 0 if each stands for one feature, but not if they mix
    features. So among dictionaries trained on the same rows with the same L but different numbers of active latents,
    the one with the right number has the least s_n.

    s_n is not the mean over rows of each row's n-th largest projection, and not a sum of absolute values. Unlike the
    authors' code this scales the directions to norm 1, which theirs have in training: otherwise rows of small norm
    would count as inactive latents. In their language models the minimum is sometimes shallow; they take the elbow
    beside its steep side, and have come to prefer `mean_cosine`, which needs no n.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> right, wrong = np.eye(2), np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> float(decoder_projection(rows, right)), round(float(decoder_projection(rows, wrong)), 3)
    (0.0, 0.447)
    """
    directions_LD = unit_rows(dictionary)
    rows_BD, precision = finite_matrix(rows, "rows"), np.result_type(to_numpy(rows).dtype, np.float32)
    n_latents, n_inputs = directions_LD.shape
    if rows_BD.shape[1] != n_inputs:
        raise DataError(f"rows has {rows_BD.shape[1]} columns, but dictionary has {n_inputs}; give the same inputs")
    if n_latents < 2:
        raise DataError("dictionary has 1 row; the score needs two latents or more")
    n = n_latents // 2 if n is None else n
    if not 1 <= n < n_latents:
        raise RecipeError(
            f"n={n} lies outside [1, {n_latents - 1}]; give a number above the active latents per row and below the "
            f"{n_latents} latents"
        )
    if bias is not None:
        rows_BD = rows_BD - finite_matrix(np.atleast_2d(to_numpy(bias)), "bias")
    projections = (rows_BD.astype(precision) @ directions_LD.T.astype(precision)).ravel()
    position = projections.size - 1 - n * len(rows_BD)  # in ascending order
    projections.partition(position)
    return float(projections[position])
