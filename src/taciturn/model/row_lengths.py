"""The lengths of rows: a row is divided by its own, and its reconstruction multiplied by it again."""

import torch
from torch import Tensor


def by_own_length(z: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows divided by their own lengths, and these lengths.

    Parameters
    ----------
    z : Tensor [B, D]
        Rows whose columns are scaled. NaN is a missing value: it stays, and has no part in the length.
    numbers : Tensor [3], float64
        (divisor, least, mean) of a scaling by rows; see `RowNorm.length_numbers`.

    Returns
    -------
    rows : Tensor [B, D]
        In the type of z.
    lengths : Tensor [B, 1], float64
        max(√(mean of z² over the known values) / divisor, least), > 0.

    Notes
    -----
    `least` keeps a row of zeros, and one that is zero but for rounding, from being divided by (nearly) nothing.

    Examples
    --------
    >>> rows, lengths = by_own_length(torch.tensor([[3.0, -3.0], [0.0, 0.0]]), torch.tensor([1.0, 0.001, 1.0]))
    >>> rows.tolist(), lengths.flatten().tolist()
    ([[1.0, -1.0], [0.0, 0.0]], [3.0, 0.0010000000474974513])
    """
    missing = z.isnan()
    squares = torch.where(missing, torch.zeros_like(z), z).double().square().sum(1, keepdim=True)
    known = (~missing).double().sum(1, keepdim=True).clamp_min(1.0)
    divisor, least, _ = numbers.double().unbind()
    lengths = torch.maximum((squares / known).sqrt() / divisor, least)
    return (z.double() / lengths).to(z.dtype), lengths


def lengthened(x: Tensor, lengths: Tensor | None, numbers: Tensor | None) -> Tensor:
    """Return scaled rows [B, D] times their lengths [B, 1], in float64: the inverse of `by_own_length`.

    Parameters
    ----------
    x : Tensor [B, D]
        Rows divided by their lengths.
    lengths : Tensor [B, 1] or None
        None: all have the mean length of the training rows.
    numbers : Tensor [3] or None
        As of `by_own_length`. None: the scaling knows no lengths, and x itself is returned.
    """
    if numbers is None:
        return x
    return x.double() * (numbers[2].double() if lengths is None else lengths)
