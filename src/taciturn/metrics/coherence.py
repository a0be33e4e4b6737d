"""How alike the directions of one dictionary are."""

from typing import Any

import numpy as np

from .arrays import blocks, unit


def coherence(dictionary: Any) -> float:
    """Return the largest |cos| of two different rows: 0 where all are orthogonal, 1 where two lie on a line.

    The mutual coherence μ of Donoho and Elad (2003). Codes with fewer than (1 + 1 / μ) / 2 entries are the sparsest
    ones that give their row, and the only ones that sparse.

    Parameters
    ----------
    dictionary : array of shape [L, D]
        A direction a row, of any length. A row of zeros has cosine 0 with any other.

    Examples
    --------
    >>> import numpy as np
    >>> coherence(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 4.0]]))
    0.8
    """
    return _pairs(dictionary)[0]


def mean_cosine(dictionary: Any) -> float:
    """Return the mean |cos| over all pairs of different rows, the decoder's pairwise cosine similarity c_dec.

    c_dec = Σ_{i<j} |cos(W_i, W_j)| / (L (L - 1) / 2) of Chanin and Garriga-Alonso ("Sparse but Wrong", 2025, v3,
    eq. 4). Latents that mix correlated features are less orthogonal to each other: of dictionaries learnt from the
    same rows with the same number of latents, the one with the right number of active latents has the least, or
    stands just above where it jumps up.

    Parameters
    ----------
    dictionary : array of shape [L, D]
        A direction a row, of any length. A row of zeros has cosine 0 with any other.

    Examples
    --------
    >>> import numpy as np
    >>> round(mean_cosine(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 4.0]])), 6)
    0.466667
    """
    return _pairs(dictionary)[1]


def _pairs(dictionary: Any) -> tuple[float, float]:
    """Return the largest and the mean |cos| of different rows, 0 of a single one."""
    rows = unit(dictionary)
    largest = total = 0.0
    for one in blocks(len(rows)):
        for other in blocks(len(rows)):
            if other.start < one.start:
                continue
            cosines = np.abs(rows[one] @ rows[other].T)
            if one == other:
                cosines = np.triu(cosines, 1)
            largest, total = max(largest, float(cosines.max())), total + float(cosines.sum())
    return min(largest, 1.0), total / max(len(rows) * (len(rows) - 1) / 2, 1)
