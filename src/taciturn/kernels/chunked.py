"""The sparse operations without ever forming a [rows, latents] array, in PyTorch's own operators.

Rows are taken in chunks whose pre-activations share one buffer; what is kept is a list of entries, and every
product with it, forward and backward, is an `embedding_bag`: a sum of table rows without gathering them.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from .index import Index, Rule, csr
from .kernels import centred
from .products import fast_products

ENTRIES = 1 << 22  # of a chunk's pre-activations: 16 MB, which stay in the processor's last cache
FEWEST = 64  # rows, below which a product is slow


@dataclass(frozen=True)
class Chunked:
    """Take `rows` rows at a time, or fewer of very many latents."""

    rows: int = 512

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
        return min(self.rows, max(ENTRIES // len(W), FEWEST))

    def scores(self, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, index: Index, values: Tensor) -> Tensor:
        """Return the values that pick found [N], now with their gradient."""
        scores: Tensor = _Scores.apply(x, W, b, centre, values, index)  # type: ignore[no-untyped-call]
        return scores

    def decode(self, values: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return each row's weighted sum of W's rows [B, D]."""
        recon: Tensor = _Decode.apply(values, W, index)  # type: ignore[no-untyped-call]
        return recon


def _bags(table: Tensor, at_N: Tensor, starts: Tensor, weight_N: Tensor) -> Tensor:
    """[bags, D]: of each bag of entries, Σ weight · table[at]; a table that asks for a gradient costs twice as much."""
    table, weight_N = table.detach(), weight_N.detach()
    return F.embedding_bag(at_N, table, starts, mode="sum", per_sample_weights=weight_N, include_last_offset=True)


def _row_sums(values_N: Tensor, index: Index, W: Tensor) -> Tensor:
    """[B, D]: of each row, Σ values · W[latent]."""
    return _bags(W, index.latents, index.starts, values_N)


def _latent_sums(values_N: Tensor, index: Index, rows_BD: Tensor) -> Tensor:
    """[L, D]: of each latent, Σ values · rows[row]."""
    order_N, starts = index.by_latent
    return _bags(rows_BD, index.rows[order_N], starts, values_N[order_N])


def row_dots(rows_BD: Tensor, index: Index, W: Tensor) -> Tensor:
    """[N]: rows[row of n] · W[latent of n], gathering neither; 0 is embedding_bag's "sum"."""
    dots: Tensor = torch.ops.aten._embedding_bag_per_sample_weights_backward(
        rows_BD, W, index.latents, index.starts[:-1], index.rows, 0
    )
    return dots


class _Scores(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, W: Tensor, b: Tensor, centre: Tensor | None, values: Tensor, index: Index
    ) -> Tensor:
        ctx.index = index
        ctx.save_for_backward(centred(x, centre), W)
        return values.clone()

    @staticmethod
    def backward(ctx: Any, grad_N: Tensor) -> tuple[Tensor | None, ...]:
        centred_BD, W = ctx.saved_tensors
        index, needs = ctx.index, ctx.needs_input_grad
        db = torch.zeros_like(W[:, 0]).index_add_(0, index.latents, grad_N)
        dx = _row_sums(grad_N, index, W) if needs[0] else None
        dW = _latent_sums(grad_N, index, centred_BD) if needs[1] else None
        dcentre = -(db @ W) if needs[3] else None  # -Σ_rows dx, as one product with a vector
        return dx, dW, db, dcentre, None, None


class _Decode(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, W: Tensor, index: Index) -> Tensor:
        ctx.index = index
        ctx.save_for_backward(values, W)
        return _row_sums(values, index, W)

    @staticmethod
    def backward(ctx: Any, grad_BD: Tensor) -> tuple[Tensor | None, ...]:
        values, W = ctx.saved_tensors
        index, needs, grad_BD = ctx.index, ctx.needs_input_grad, grad_BD.contiguous()
        dvalues = row_dots(grad_BD, index, W) if needs[0] else None
        dW = _latent_sums(values, index, grad_BD) if needs[1] else None
        return dvalues, dW, None
