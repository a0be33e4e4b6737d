"""Blind spot: hidden entries are predicted from the others, so that noisy rows alone are enough to learn from."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.recipe import check
from ..core.schedules import Schedule
from .corruption import Corruption, Keys, random_mask
from .swap import Swap


@dataclass(frozen=True)
class BlindSpot(Corruption):
    """Hide each entry with probability `rate` behind another value, and judge the hidden entries only.

    For rows that are noisy themselves and of which no clean ones exist. The network cannot copy the noise of an entry
    that it does not see, and noise that is independent from entry to entry cannot be predicted from the others (Krull
    et al., 2019; Batson and Royer, 2019).

    Parameters
    ----------
    rate : float or Schedule
        Probability that an entry is hidden, in (0, 1).
    noise : float or "auto", optional
        Standard deviation of the rows' noise in their own units, > 0, the same for all columns. `denoise` then joins
        each estimate with the noisy value itself. "auto": it is estimated, see `data.noise_level`.
    shape : tuple of int, optional
        Set by the rows: the shape of images, (height, width) or (height, width, 3).

    Notes
    -----
    The other value is, of an image, that of one of the eight pixels around; else the same column's value in another
    row of the same block of 64 rows.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 10.0], [2.0, 20.0]])
    >>> spots = BlindSpot(0.5)
    >>> import numpy as np
    >>> keys = np.array([3], np.uint64)
    >>> hidden = spots.hidden(x, keys, 64)
    >>> bool(((spots.in_blocks(x, keys, 64) != x) == hidden).all())
    True
    """

    rate: float | Schedule
    noise: float | str | None = None
    shape: tuple[int, ...] | None = None

    name = "blind_spot"
    numbers_only = True
    for_noisy_rows = True
    judges_hidden = True

    def __post_init__(self) -> None:
        check(self, "rate", 0, 1, "()")
        if self.noise not in (None, "auto"):
            check(self, "noise", 0, ends="(]", fixed=True)

    @property
    def min_rows(self) -> int:  # type: ignore[override]
        """The fewest rows that can be corrupted together: entries of a table come from other rows."""
        return 2 if self.shape is None else 1

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x with other values for the hidden entries."""
        hidden = random_mask(x, self.rate, rng)
        if self.shape is None:
            return torch.where(hidden, Swap(1.0)(x, rng), x)
        columns = neighbours(self.shape, len(x), rng).to(x.device)
        values = x.gather(1, columns)
        return torch.where(hidden & ~values.isnan(), values, x)

    def hidden(self, x: Tensor, keys: Keys, block: int) -> Tensor:
        """Return which entries `in_blocks` hides [B, D]."""
        return self._by_block(x, keys, block, lambda rows, rng: random_mask(rows, self.rate, rng))


def neighbours(shape: tuple[int, ...], n: int, rng: torch.Generator) -> Tensor:
    """Return for each of n rows and each entry of an image the column of a pixel beside it [n, D], of int64.

    One of the eight around, drawn at random; at an edge the image is mirrored. Colours stay.

    Examples
    --------
    >>> columns = neighbours((3, 3), 1, torch.Generator().manual_seed(0))
    >>> columns.shape, bool((columns != torch.arange(9)).all())
    (torch.Size([1, 9]), True)
    """
    height, width, *colours = shape
    place = torch.arange(height * width)
    step = torch.tensor([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b])
    step = step[torch.randint(8, (n, height * width), generator=rng, device=rng.device).cpu()]
    row, column = (
        _mirrored(at + step[..., axis], size)
        for axis, (at, size) in enumerate(((place // width, height), (place % width, width)))
    )
    beside = row * width + column
    n_colours = colours[0] if colours else 1
    return (beside[..., None] * n_colours + torch.arange(n_colours)).reshape(n, -1)


def _mirrored(position: Tensor, size: int) -> Tensor:
    """Return positions -1 … size, mirrored into 0 … size - 1."""
    if size == 1:
        return torch.zeros_like(position)
    return torch.where(position < 0, 1, torch.where(position >= size, size - 2, position))
