"""Values from other rows."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.recipe import check
from .corruption import Amount, Corruption, chosen


@dataclass(frozen=True)
class Swap(Corruption):
    """Replace each entry with probability `rate` by the same column's value in another row, drawn at random.

    For tables: what is put in is always a value that the column has (known as swap noise). A row that is alone
    stays as it is. 0 ≤ rate ≤ 1.

    Examples
    --------
    >>> Swap(1.0)(torch.tensor([[1.0, 10.0], [2.0, 20.0]]), torch.Generator().manual_seed(0))
    tensor([[ 2., 20.],
            [ 1., 10.]])
    """

    rate: Amount

    name = "swap"

    def __post_init__(self) -> None:
        check(self, "rate", 0, 1)

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Return x with some of its entries taken from other rows."""
        n_rows = len(x)
        if n_rows < 2:
            return x
        # 1 … n - 1 rows further on: never the row itself, every other one as likely
        ahead = torch.randint(1, n_rows, x.shape, generator=rng, device=rng.device)
        donor = ((torch.arange(n_rows, device=rng.device)[:, None] + ahead) % n_rows).to(x.device)
        return torch.where(chosen(x, self.rate, rng), x.gather(0, donor), x)
