"""Largest and mean |cosine| between the directions of one dictionary."""

from typing import Any

import numpy as np

from .arrays import block_slices, unit_rows


def coherence(dictionary: Any) -> float:
    """Return the largest |cosine| of two different rows of a dictionary, from 0 to 1.

    0: all rows are orthogonal. 1: two rows lie on one line.

    Parameters
    ----------
    dictionary : array of shape [L, D]
        One direction per row, of any norm. A row of zeros has cosine 0 with any other.

    Returns
    -------
    float
        μ, in [0, 1]; 0 for a single row.

    Raises
    ------
    DataError
        If the dictionary is empty, not two-dimensional or not finite.

    Notes
    -----
    The mutual coherence μ = max_{i≠j} |cos(W_i, W_j)| of Donoho and Elad (2003). A code with fewer than (1 + 1 / μ) / 2
    entries that reconstructs its row exactly is the sparsest such code, and the only one that sparse.

    Examples
    --------
    >>> import numpy as np
    >>> coherence(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 4.0]]))
    0.8
    """
    return _largest_and_mean(dictionary)[0]


def mean_cosine(dictionary: Any) -> float:
    """Return the mean |cosine| over all pairs of different rows of a dictionary, from 0 to 1.

    Parameters
    ----------
    dictionary : array of shape [L, D]
        One direction per row, of any norm. A row of zeros has cosine 0 with any other.

    Returns
    -------
    float
        In [0, 1]: 0 if all rows are orthogonal, 1 if all lie on one line; 0 for a single row.

    Raises
    ------
    DataError
        If the dictionary is empty, not two-dimensional or not finite.

    Notes
    -----
    The decoder's pairwise cosine similarity of Chanin and Garriga-Alonso ("Sparse but Wrong", 2025, v3, eq. 4):

        c_dec = Σ_{i<j} |cos(W_i, W_j)| / (L (L - 1) / 2)

    Latents that mix correlated features are less orthogonal to each other. So among dictionaries trained on the same
    rows with the same number of latents, the one with the right number of active latents has the least c_dec, or
    stands just above the number at which c_dec jumps up.

    Examples
    --------
    >>> import numpy as np
    >>> round(mean_cosine(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 4.0]])), 6)
    0.466667
    """
    return _largest_and_mean(dictionary)[1]


def _largest_and_mean(dictionary: Any) -> tuple[float, float]:
    """Return the largest and the mean |cosine| of different rows; 0 and 0 for a single row."""
    rows = unit_rows(dictionary)
    largest = total = 0.0
    for upper in block_slices(len(rows)):
        for lower in block_slices(len(rows)):
            if lower.start < upper.start:
                continue
            cosines = np.abs(rows[upper] @ rows[lower].T)
            if upper == lower:
                cosines = np.triu(cosines, 1)
            largest, total = max(largest, float(cosines.max())), total + float(cosines.sum())
    return min(largest, 1.0), total / max(len(rows) * (len(rows) - 1) / 2, 1)
