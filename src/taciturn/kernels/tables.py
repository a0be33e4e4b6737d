"""Sums of a table's rows and products with them, without copies of the rows: decoding and all sparse gradients."""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from . import native
from .index import Index


class Tables(Protocol):
    """The two operations on rows of a table. Neither has a gradient of its own.

    The same arguments give the same bits, on any device.
    """

    def sums(self, table: Tensor, row_N: Tensor, starts: Tensor, weight_N: Tensor) -> Tensor:
        """Return weighted sums of a table's rows.

        Parameters
        ----------
        table : Tensor [rows, D]
            The table.
        row_N : Tensor [N], int64
            The table's row of each entry, bag after bag.
        starts : Tensor [bags + 1], int64
            Bag i holds the entries starts[i] … starts[i + 1] - 1.
        weight_N : Tensor [N]
            The weight of each entry.

        Returns
        -------
        Tensor [bags, D]
            Σ weight · table[row] of each bag; 0 for a bag without entries.
        """
        ...

    def dots(self, rows_BD: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return the product rows[row of n] · W[latent of n] for each entry n of the index.

        Parameters
        ----------
        rows_BD : Tensor [B, D]
            Rows.
        index : Index
            The row and the latent of each entry.
        W : Tensor [L, D]
            Table with a row for each latent.

        Returns
        -------
        Tensor [N]
        """
        ...


@dataclass(frozen=True)
class TorchTables:
    """The operations by PyTorch's own operators.

    A sum of table rows is an `embedding_bag`; a product is what that operator's gradient computes. Where compiled code
    can take the products (`native.dots`), it does so in less time. `tables_triton` computes the same on a GPU.

    Examples
    --------
    >>> table, weights = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([2.0, 3.0])
    >>> TorchTables().sums(table, torch.tensor([0, 1]), torch.tensor([0, 2]), weights)
    tensor([[2., 3.]])
    """

    def sums(self, table: Tensor, row_N: Tensor, starts: Tensor, weight_N: Tensor) -> Tensor:
        """Return Σ weight · table[row] of each bag of entries [bags, D]."""
        # with a tensor that requires a gradient the operator takes twice as long
        table, weight_N = table.detach(), weight_N.detach()
        return F.embedding_bag(row_N, table, starts, mode="sum", per_sample_weights=weight_N, include_last_offset=True)

    def dots(self, rows_BD: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return rows[row of n] · W[latent of n] of each entry [N]."""
        if (compiled := native.dots(rows_BD, index.rows, W, index.latents)) is not None:
            return compiled
        dots: Tensor = torch.ops.aten._embedding_bag_per_sample_weights_backward(
            rows_BD,
            W,
            index.latents,
            index.starts[:-1],
            index.rows,
            0,  # embedding_bag's "sum"
        )
        return dots
