"""Sums of a table's rows and products with them, no row ever copied out: decoding and all sparse gradients."""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from . import native
from .index import Index


class Tables(Protocol):
    """The two operations; neither has a gradient of its own. The same arguments give the same bits, on any device."""

    def sums(self, table: Tensor, at_N: Tensor, starts: Tensor, weight_N: Tensor) -> Tensor:
        """Return Σ weight · table[at] of each bag of entries [bags, D]; bag i is starts[i] … starts[i + 1]."""
        ...

    def dots(self, rows_BD: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return rows[row of n] · W[latent of n] of each entry [N]."""
        ...


@dataclass(frozen=True)
class Torch:
    """In PyTorch's own operators: a sum of table rows is an `embedding_bag`, and a product what its gradient asks for.

    A compiled loop takes the products in less time.

    The plain twin of `tables_triton`.
    """

    def sums(self, table: Tensor, at_N: Tensor, starts: Tensor, weight_N: Tensor) -> Tensor:
        """Return Σ weight · table[at] of each bag of entries [bags, D]."""
        table, weight_N = table.detach(), weight_N.detach()  # one that asks for a gradient costs twice as much
        return F.embedding_bag(at_N, table, starts, mode="sum", per_sample_weights=weight_N, include_last_offset=True)

    def dots(self, rows_BD: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return rows[row of n] · W[latent of n] of each entry [N]; 0 is embedding_bag's "sum"."""
        if (compiled := native.dots(rows_BD, index.rows, W, index.latents)) is not None:
            return compiled
        dots: Tensor = torch.ops.aten._embedding_bag_per_sample_weights_backward(
            rows_BD, W, index.latents, index.starts[:-1], index.rows, 0
        )
        return dots
