"""Swap noise: values from other rows."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .amounts import Amount, check_amount
from .corruption import Corruption, drawn_shape, over_columns, random_mask


@dataclass(frozen=True)
class Swap(Corruption):
    """Replace each entry with probability `rate` by the same column's value in another row, drawn at random.

    Suited to tables: each new value is one that occurs in its column (known as swap noise). The other row is one of the
    same block of 64 rows of a batch. A single row stays as it is.

    Parameters
    ----------
    rate : float, Schedule or Uniform
        Probability that an entry is replaced, in [0, 1].

    Examples
    --------
    >>> Swap(1.0)(torch.tensor([[1.0, 10.0], [2.0, 20.0]]), torch.Generator().manual_seed(0))
    tensor([[ 2., 20.],
            [ 1., 10.]])
    """

    rate: Amount

    name = "swap"
    min_rows = 2

    def __post_init__(self) -> None:
        check_amount(self, "rate", 0, 1)

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x with some entries taken from other rows of x."""
        return self.by_variable(x, rng, None)

    def by_variable(self, x: Tensor, rng: torch.Generator, variables: Tensor | None) -> Tensor:
        """Return the same with a variable's columns taken together, from one other row."""
        n_rows = len(x)
        if n_rows < 2:
            return x
        # an offset of 1 … n - 1 rows: never the row itself, every other row equally likely
        offset = torch.randint(1, n_rows, drawn_shape(x, variables), generator=rng, device=rng.device)
        donor = (torch.arange(n_rows, device=rng.device)[:, None] + offset) % n_rows
        donor = over_columns(donor, variables).to(x.device)
        swapped, values = random_mask(x, self.rate, rng, variables), x.gather(0, donor)
        if bool((missing := values.isnan()).any()):
            swapped &= ~missing  # a missing value is not handed on
        return torch.where(swapped, values, x)
