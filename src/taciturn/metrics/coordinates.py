"""A dictionary's directions projected on a plane."""

from typing import Any

import numpy as np

from .arrays import Floats, unit_rows


def coordinates(components: Any) -> Floats:
    """Return the coordinates of directions on their first two principal axes.

    Parameters
    ----------
    components : array of shape [L, D]
        One direction per row, of any norm.

    Returns
    -------
    array [L, 2], float64
        The second column is 0 where there is no second axis.

    Raises
    ------
    DataError
        If components is empty, not two-dimensional or not finite.

    Notes
    -----
    Rows are first scaled to norm 1, so that distances follow cosines: |a - b|² = 2 - 2 cos(a, b). The sign of each
    axis is chosen so that the coordinate of its farthest direction is positive: the same directions always give the
    same map.

    Examples
    --------
    >>> (coordinates([[2, 0], [0, 3], [0, -1]]).round(3) + 0).tolist()
    [[0.0, 0.667], [1.0, -0.333], [-1.0, -0.333]]
    """
    rows_LD = unit_rows(components, "components")
    rows_LD = rows_LD - rows_LD.mean(0)
    xy = np.zeros((len(rows_LD), 2))
    n_axes = min(2, *rows_LD.shape)
    if len(rows_LD) < rows_LD.shape[1]:  # XX' and X'X have the same largest eigenvalues; decompose the smaller
        eigenvalues, axes = np.linalg.eigh(rows_LD @ rows_LD.T)
        xy[:, :n_axes] = axes[:, ::-1][:, :n_axes] * np.sqrt(np.maximum(eigenvalues[::-1][:n_axes], 0))
    else:
        xy[:, :n_axes] = rows_LD @ np.linalg.eigh(rows_LD.T @ rows_LD)[1][:, ::-1][:, :n_axes]
    farthest = np.take_along_axis(xy, np.abs(xy.round(9)).argmax(0)[None], 0)
    return np.asarray(np.where(farthest < 0, -xy, xy))
