"""The sparse operations without an array of all rows and latents.

Rows are taken in chunks whose pre-activations share one buffer. The selected entries are kept as a list. Every product
with this list, forward and backward, is a sum of rows of a table or a product with rows of a table: see `tables`.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .index import Index, Rule, csr
from .kernels import centred
from .products import fast_products
from .tables import Tables, TorchTables

CHUNK_ENTRIES = 1 << 22  # pre-activations of a chunk: 16 MB, which stay in the processor's last-level cache
MIN_ROWS = 64  # rows of a chunk, below which a product is slow


@dataclass(frozen=True)
class Chunked:
    """Kernels that take the rows in chunks and keep lists of entries.

    See `Kernels` for the methods. Memory: rows × latents of one chunk, and the entries.

    Parameters
    ----------
    rows : int, default=512
        Most rows of a chunk.
    entries : int, default=4194304
        Most pre-activations of a chunk (rows × latents), unless this would leave fewer than 64 rows.
    tables : Tables, default=TorchTables()
        Sums of table rows and products with them.

    Examples
    --------
    >>> from taciturn.kernels import Top
    >>> x, W, b = torch.tensor([[1.0, 2.0], [3.0, 1.0]]), torch.eye(2), torch.zeros(2)
    >>> index, values = Chunked(rows=1).pick(x, W, b, None, Top(1))
    >>> index.latents, values
    (tensor([1, 0]), tensor([2., 3.]))
    """

    rows: int = 512
    entries: int = field(default=CHUNK_ENTRIES, kw_only=True)
    tables: Tables = field(default=TorchTables(), kw_only=True)

    sparse_below = 0.125

    @torch.no_grad()
    def pick(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, rule: Rule) -> tuple[Index, Tensor]:
        """Return the index of the entries that a rule selects and their values [N]."""
        chunks = centred(x, centre).split(self.rows_of(W))
        buffer = x.new_empty(len(chunks[0]), len(W))
        with fast_products(len(chunks[0]) * W.numel()):
            entries = [rule(torch.addmm(b, chunk, W.t(), out=buffer[: len(chunk)])) for chunk in chunks]
        latents, counts, values = (torch.cat(pieces) for pieces in zip(*entries, strict=True))
        return csr(latents, counts, len(W)), values

    def rows_of(self, W: Tensor) -> int:
        """Return the number of rows of a chunk for weights W [L, D]."""
        return min(self.rows, max(self.entries // len(W), MIN_ROWS))

    def scores(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, index: Index, values: Tensor) -> Tensor:
        """Return the values that `pick` returned [N], with their gradient."""
        scores: Tensor = _Scores.apply(x, W, b, centre, values, index, self.tables)  # type: ignore[no-untyped-call]
        return scores

    def decode(self, values: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return each row's weighted sum of W's rows [B, D]."""
        recon: Tensor = _Decode.apply(values, W, index, self.tables)  # type: ignore[no-untyped-call]
        return recon


def _latent_sums(tables: Tables, values_N: Tensor, index: Index, rows_BD: Tensor) -> Tensor:
    """Return for each latent Σ values · rows[row] over its entries [L, D]."""
    order_N, starts = index.by_latent
    return tables.sums(rows_BD, index.rows[order_N], starts, values_N[order_N])


def _latent_totals(tables: Tables, values_N: Tensor, index: Index) -> Tensor:
    """Return for each latent Σ values over its entries [L].

    On a GPU `index_add_` would do it by atomic additions, in another order each time.
    """
    order_N, starts = index.by_latent
    return tables.sums(values_N[:, None], order_N, starts, torch.ones_like(values_N))[:, 0]


class _Scores(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, values: Tensor, index: Index, tables: Tables
    ) -> Tensor:
        ctx.index, ctx.tables = index, tables
        ctx.save_for_backward(centred(x, centre), W)
        return values.clone()

    @staticmethod
    def backward(ctx: Any, grad_N: Tensor) -> tuple[Tensor | None, ...]:
        centred_BD, W = ctx.saved_tensors
        index, tables, needs = ctx.index, ctx.tables, ctx.needs_input_grad
        db = _latent_totals(tables, grad_N, index)
        dx = tables.sums(W, index.latents, index.starts, grad_N) if needs[0] else None
        dW = _latent_sums(tables, grad_N, index, centred_BD) if needs[1] else None
        dcentre = -(db @ W) if needs[3] else None  # -Σ_rows dx, as one product with a vector
        return dx, dW, db, dcentre, None, None, None


class _Decode(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, W: Tensor, index: Index, tables: Tables) -> Tensor:
        ctx.index, ctx.tables = index, tables
        ctx.save_for_backward(values, W)
        return tables.sums(W, index.latents, index.starts, values)

    @staticmethod
    def backward(ctx: Any, grad_BD: Tensor) -> tuple[Tensor | None, ...]:
        values, W = ctx.saved_tensors
        index, tables, needs, grad_BD = ctx.index, ctx.tables, ctx.needs_input_grad, grad_BD.contiguous()
        dvalues = tables.dots(grad_BD, index, W) if needs[0] else None
        dW = _latent_sums(tables, values, index, grad_BD) if needs[1] else None
        return dvalues, dW, None, None
