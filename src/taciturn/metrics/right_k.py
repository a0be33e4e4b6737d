"""Whether the number of active latents is right, told from the decoder; see also `mean_cosine`."""

from typing import Any

import numpy as np

from ..core.errors import DataError, RecipeError
from .arrays import plain, table, unit


def decoder_projection(rows: Any, dictionary: Any, *, n: int | None = None, bias: Any = None) -> float:
    """Return s_n, the n-th largest projection of a row on the decoder's directions, as the rows have it together.

    The n-th decoder projection score of Chanin and Garriga-Alonso ("Sparse but Wrong", arXiv 2508.16560; v3, eq. 59).
    With B rows, all B L projections (x - bias) · W_l, with their signs, are sorted together from the largest down,
    and s_n is the one at place n B, counted from 0. Latents that should be silent have none if each stands for one
    feature, but have some if they mix features. So of dictionaries learnt from the same rows with the same number
    of latents L but another number of active latents, the one with the right number has the least s_n.

    It is no mean over rows of each row's n-th largest, and no sum of magnitudes. Unlike the authors' code this sets
    the directions to length 1, at which theirs are held in training: else short rows would count as silent. In their
    language models the least is sometimes shallow; they take the elbow beside its steep side, and have come to
    prefer `mean_cosine`, which needs no n.

    Parameters
    ----------
    rows : array of shape [B, D]
        Some thousands: all B L projections are held at once, in the rows' precision.
    dictionary : array of shape [L, D]
        The decoder's rows, in the units of `rows`.
    n : int, optional
        From 1 to L - 1, and well above any number of active latents that could be right; L // 2 unless given, near
        which it served the authors best.
    bias : array of shape [D], optional
        The decoder's bias, what it says of a row without active latents; 0 unless given.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> right, wrong = np.eye(2), np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> float(decoder_projection(rows, right)), round(float(decoder_projection(rows, wrong)), 3)
    (0.0, 0.447)
    """
    directions_LD = unit(dictionary)
    rows_BD, precision = table(rows, "rows"), np.result_type(plain(rows).dtype, np.float32)
    n_latents, n_inputs = directions_LD.shape
    if rows_BD.shape[1] != n_inputs:
        raise DataError(f"rows hold {rows_BD.shape[1]} numbers, the dictionary's {n_inputs}; give the same inputs")
    n = n_latents // 2 if n is None else n
    if not 1 <= n < n_latents:
        raise RecipeError(f"n={n} lies outside [1, {n_latents - 1}], the latents that a row may not need")
    if bias is not None:
        rows_BD = rows_BD - table(np.atleast_2d(plain(bias)), "bias")
    all_BL = (rows_BD.astype(precision) @ directions_LD.T.astype(precision)).ravel()
    place = all_BL.size - 1 - n * len(rows_BD)  # of the ascending order
    all_BL.partition(place)
    return float(all_BL[place])
