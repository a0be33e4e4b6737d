"""Where a dictionary's directions lie on a plane."""

from typing import Any

import numpy as np

from .arrays import Floats, unit


def coordinates(components: Any) -> Floats:
    """Return the directions' places [L, 2] on their first two principal axes, the second 0 where there is none.

    Of rows at unit length, so that their distances follow their cosines: |a - b|² = 2 - 2 cos. Each axis points to
    where its farthest direction is, so that the same directions always make the same map.

    Examples
    --------
    >>> (coordinates([[2, 0], [0, 3], [0, -1]]).round(3) + 0).tolist()
    [[0.0, 0.667], [1.0, -0.333], [-1.0, -0.333]]
    """
    rows_LD = unit(components, "components")
    rows_LD = rows_LD - rows_LD.mean(0)
    xy = np.zeros((len(rows_LD), 2))
    n = min(2, *rows_LD.shape)
    if len(rows_LD) < rows_LD.shape[1]:  # of XX' and X'X, whose greatest eigenvalues are the same, the smaller
        squares, axes = np.linalg.eigh(rows_LD @ rows_LD.T)
        xy[:, :n] = axes[:, ::-1][:, :n] * np.sqrt(np.maximum(squares[::-1][:n], 0))
    else:
        xy[:, :n] = rows_LD @ np.linalg.eigh(rows_LD.T @ rows_LD)[1][:, ::-1][:, :n]
    farthest = np.take_along_axis(xy, np.abs(xy.round(9)).argmax(0)[None], 0)
    return np.asarray(np.where(farthest < 0, -xy, xy))
