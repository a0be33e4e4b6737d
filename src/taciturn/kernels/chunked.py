"""The sparse operations without ever forming a [rows, latents] array.

Rows are taken in chunks whose pre-activations share one buffer; what is kept is a list of entries, and every
product with it, forward and backward, is a sum of a table's rows, or a product with them: see `tables`.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .index import Index, Rule, csr
from .kernels import centred
from .products import fast_products
from .tables import Tables, Torch

ENTRIES = 1 << 22  # of a chunk's pre-activations: 16 MB, which stay in the processor's last cache
FEWEST = 64  # rows, below which a product is slow


@dataclass(frozen=True)
class Chunked:
    """Take `rows` rows at a time, or as many fewer as have `entries` pre-activations."""

    rows: int = 512
    entries: int = field(default=ENTRIES, kw_only=True)
    tables: Tables = field(default=Torch(), kw_only=True)

    sparse_below = 0.125

    @torch.no_grad()
    def pick(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, rule: Rule) -> tuple[Index, Tensor]:
        """Return the entries that a rule keeps and their values [N]; memory: rows × latents of one chunk."""
        parts = centred(x, centre).split(self.rows_of(W))
        buffer = x.new_empty(len(parts[0]), len(W))
        with fast_products(len(parts[0]) * W.numel()):
            kept = [rule(torch.addmm(b, part, W.t(), out=buffer[: len(part)])) for part in parts]
        latents, counts, values = (torch.cat(pieces) for pieces in zip(*kept, strict=True))
        return csr(latents, counts, len(W)), values

    def rows_of(self, W: Tensor) -> int:
        """Return how many rows a chunk has."""
        return min(self.rows, max(self.entries // len(W), FEWEST))

    def scores(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, index: Index, values: Tensor) -> Tensor:
        """Return the values that pick found [N], now with their gradient."""
        scores: Tensor = _Scores.apply(x, W, b, centre, values, index, self.tables)  # type: ignore[no-untyped-call]
        return scores

    def decode(self, values: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return each row's weighted sum of W's rows [B, D]."""
        recon: Tensor = _Decode.apply(values, W, index, self.tables)  # type: ignore[no-untyped-call]
        return recon


def _latent_sums(tables: Tables, values_N: Tensor, index: Index, rows_BD: Tensor) -> Tensor:
    """[L, D]: of each latent, Σ values · rows[row]."""
    order_N, starts = index.by_latent
    return tables.sums(rows_BD, index.rows[order_N], starts, values_N[order_N])


def _latent_totals(tables: Tables, values_N: Tensor, index: Index) -> Tensor:
    """[L]: of each latent, Σ values; `index_add_` would do it by atomics on a GPU, in another order each time."""
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
