"""Piecewise-linear tables, one for each column: from values to normal scores of their ranks, and back."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

EXTRA_KNOTS = 2  # of a table beyond its quantiles: one on each side
FAR = 1e4  # distance of these knots from the quantiles, in ranges of the quantiles
RESOLUTION = 4 * float(np.finfo(np.float64).eps)  # quantiles nearer than this share of their size count as equal


def rank_tables(
    quantiles: Matrix, known: Vector, shift: Vector, scale: Vector, ranked: NDArray[np.bool_]
) -> tuple[Matrix, Matrix]:
    """Return the tables that map shifted and scaled values to normal scores.

    Parameters
    ----------
    quantiles : array [Q, D]
        Of each column, as `measure_quantiles` returns them.
    known : array [D]
        The number of known values of each column.
    shift, scale : arrays [D]
        Of the values that enter the tables: (x - shift) / scale.
    ranked : array [D], bool
        The columns whose values become normal scores. The table of each other column returns what enters it.

    Returns
    -------
    knots, scores : arrays [D, Q + 2], float64
        The corners of each table, both strictly ascending.

    Notes
    -----
    The score of a quantile is that of its share p under the normal distribution. Equal quantiles are one knot, at the
    middle of their shares. The least and the greatest of K values have at least the share 1 / 2K above or below them:
    at the shares 0 and 1 the scores would be infinite. Beyond them a table goes on with its mean slope, from its first
    to its last quantile. So a value far outside stays far outside and can be found again, however flat or steep the
    table is at its ends.
    """
    size = len(quantiles) + EXTRA_KNOTS
    # the identity, to the bit: all values but the largest lie beside the knot 0
    same = np.concatenate([[-FAR, 0.0], 2.0**1000 * np.arange(1, size - 1)])
    knots, scores = np.tile(same, (2, len(shift), 1))
    for column in np.flatnonzero(ranked):
        values = quantiles[~np.isnan(quantiles[:, column]), column]
        x = (values - shift[column]) / scale[column]
        nearest = RESOLUTION * np.maximum(np.abs(values[1:]), abs(shift[column])) / scale[column] + 1e-300
        first = np.flatnonzero(np.concatenate([[True], np.diff(x) > nearest]))
        last = np.append(first[1:], len(x)) - 1
        if len(first) == 1:
            continue
        end = 0.5 / known[column]
        shares = np.clip((first + last) / 2 / (len(x) - 1), end, 1 - end)
        knots[column] = _continued((x[first] + x[last]) / 2, size)
        scores[column] = _continued(torch.special.ndtri(torch.from_numpy(shares)).numpy(), size)
    return knots, scores


def _continued(corners: Vector, size: int) -> Vector:
    """Return corners with one more before them, and more after them until there are `size`."""
    step = FAR * (corners[-1] - corners[0])
    after = corners[-1] + step * np.arange(1, size - len(corners))
    return np.concatenate([[corners[0] - step], corners, after])


def interpolated(x: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Return the values of piecewise-linear functions, one for each column.

    Parameters
    ----------
    x : Tensor [B, D]
        Where they are computed. NaN gives NaN.
    knots, values : Tensor [D, K]
        The corners of each function; knots are strictly ascending. Beyond them the first and the last segment go on.

    Returns
    -------
    Tensor [B, D]

    Notes
    -----
    The segment is found by bisection in a fixed number of steps, of operators that ONNX has as well. It takes as long
    as torch.searchsorted, which ONNX has not.

    Examples
    --------
    >>> knots, values = torch.tensor([[0.0, 1.0, 3.0]]), torch.tensor([[0.0, 10.0, 20.0]])
    >>> interpolated(torch.tensor([[0.5], [2.0], [5.0]]), knots, values).T
    tensor([[ 5., 15., 30.]])
    """
    x, last = x.T.contiguous(), knots.shape[1] - 2
    left = torch.zeros_like(x, dtype=torch.int64)
    step = 1 << max(last.bit_length() - 1, 0)
    while step:
        middle = (left + step).clamp_max(last)
        left = torch.where(x >= knots.gather(1, middle), middle, left)
        step //= 2
    x_left, y_left = knots.gather(1, left), values.gather(1, left)
    x_right, y_right = knots.gather(1, left + 1), values.gather(1, left + 1)
    slope, is_first = (y_right - y_left) / (x_right - x_left), left == 0
    # from the knot where the outer segments begin: their other end is far away, which would cost digits
    x_near, y_near = torch.where(is_first, x_right, x_left), torch.where(is_first, y_right, y_left)
    return (y_near + (x - x_near) * slope).T.contiguous()
