"""The lengths of rows: a row is divided by its own, and its reconstruction multiplied by it again."""

import torch
from torch import Tensor


def by_own_length(z: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows divided by their own lengths, and these lengths.

    Parameters
    ----------
    z : Tensor [B, D]
        Rows whose columns are scaled. NaN is a missing value: it stays, and has no part in the length.
    numbers : Tensor [3] or [4], float64
        (divisor, least, mean) of a scaling by rows, see `RowNorm.length_numbers`; or with the mean of the rows' means
        as a fourth number, see `LayerNorm.length_numbers`.

    Returns
    -------
    rows : Tensor [B, D]
        In the type of z.
    lengths : Tensor [B, 1] or [B, 2], float64
        max(√(mean of z² over the known values) / divisor, least), > 0. With four numbers the row's own mean is
        subtracted before, `least` is added instead, and the mean is a second column.

    Notes
    -----
    `least` keeps a row of zeros, and one that is zero but for rounding, from being divided by (nearly) nothing.

    Examples
    --------
    >>> rows, lengths = by_own_length(torch.tensor([[3.0, -3.0], [0.0, 0.0]]), torch.tensor([1.0, 0.001, 1.0]))
    >>> rows.tolist(), lengths.flatten().tolist()
    ([[1.0, -1.0], [0.0, 0.0]], [3.0, 0.0010000000474974513])
    >>> by_own_length(torch.tensor([[4.0, 8.0]]), torch.tensor([1.0, 0.5, 1.0, 0.0]))
    (tensor([[-0.8000,  0.8000]]), tensor([[2.5000, 6.0000]], dtype=torch.float64))
    """
    missing, rows = z.isnan(), z.double()
    known = (~missing).double().sum(1, keepdim=True).clamp_min(1.0)
    divisor, least, _, *centre = numbers.double().unbind()
    if centre:
        means = torch.where(missing, 0.0, rows).sum(1, keepdim=True) / known
        rows = rows - means
    squares = torch.where(missing, 0.0, rows).square().sum(1, keepdim=True)
    if centre:
        lengths = (squares / known).sqrt() / divisor + least
        return (rows / lengths).to(z.dtype), torch.cat([lengths, means], 1)
    lengths = torch.maximum((squares / known).sqrt() / divisor, least)
    return (rows / lengths).to(z.dtype), lengths


def lengthened(x: Tensor, lengths: Tensor | None, numbers: Tensor | None) -> Tensor:
    """Return scaled rows [B, D] times their lengths, in float64: the inverse of `by_own_length`.

    Parameters
    ----------
    x : Tensor [B, D]
        Rows divided by their lengths.
    lengths : Tensor [B, 1] or [B, 2], or None
        As `by_own_length` returns them; [B, 1] of directions, to which no mean is added. None: all have the mean length
        of the training rows, and the mean of their means.
    numbers : Tensor [3] or [4], or None
        As of `by_own_length`. None: the scaling knows no lengths, and x itself is returned.
    """
    if numbers is None:
        return x
    if lengths is None:
        lengths = numbers[2:].double()[None]
    rows = x.double() * lengths[:, :1]
    return rows + lengths[:, 1:] if lengths.shape[1] == 2 else rows


def divided(y: Tensor, lengths: Tensor) -> Tensor:
    """Return scaled targets [B, D] divided by the lengths of their rows, after the subtraction of the rows' means."""
    return ((y - lengths[:, 1:] if lengths.shape[1] == 2 else y) / lengths[:, :1]).to(y.dtype)


def relative(lengths: Tensor, to: Tensor) -> Tensor:
    """Return the lengths of rows in units of other lengths: `of_both(to, relative(lengths, to))` are `lengths`."""
    ratio = lengths[:, :1] / to[:, :1]
    return ratio if to.shape[1] == 1 else torch.cat([ratio, (lengths[:, 1:] - to[:, 1:]) / to[:, :1]], 1)


def of_both(first: Tensor, second: Tensor) -> Tensor:
    """Return the lengths of rows that were divided by `first`, changed, and divided by `second`."""
    lengths = first[:, :1] * second[:, :1]
    if first.shape[1] == 1:
        return lengths
    return torch.cat([lengths, second[:, 1:] * first[:, :1] + first[:, 1:]], 1)
