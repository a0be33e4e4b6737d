"""Sums of a table's rows and products with them, in Triton. Imported only where there are a GPU and `triton`.

A program works on tiles of ENTRIES × COLUMNS numbers. One program adds a bag's entries, in their order, for one tile's
columns: no two programs write to one place, and a run repeats bit for bit. A bag of thousands of entries is shared by
D / COLUMNS programs, which take ENTRIES of its rows at a time. Sums are in the table's precision. The sizes are the
fastest for sums by latent on an H100 (benchmarks/results/gpu-parts.md).
"""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from .index import Index
from .tables import TorchTables

ENTRIES = 4
COLUMNS = 256
WARPS = 2


@dataclass(frozen=True)
class TritonTables:
    """The operations of `Tables` by Triton's kernels; by `TorchTables` for tables that are not on a GPU."""

    def sums(self, table: Tensor, row_N: Tensor, starts: Tensor, weight_N: Tensor) -> Tensor:
        """Return Σ weight · table[row] of each bag of entries [bags, D]."""
        if not _can_read(table):
            return TorchTables().sums(table, row_N, starts, weight_N)
        table, weight_N, width = table.detach().contiguous(), weight_N.detach().contiguous(), table.shape[1]
        out, columns = table.new_empty(len(starts) - 1, width), _columns(width)
        with torch.cuda.device_of(table):
            _sums[len(out), triton.cdiv(width, columns)](
                table, row_N, starts, weight_N, out, width, ENTRIES, columns, num_warps=WARPS
            )
        return out

    def dots(self, rows_BD: Tensor, index: Index, W: Tensor) -> Tensor:
        """Return rows[row of n] · W[latent of n] of each entry [N]."""
        if not _can_read(W):
            return TorchTables().dots(rows_BD, index, W)
        rows_BD, W, (n, width) = rows_BD.contiguous(), W.contiguous(), (len(index.latents), W.shape[1])
        out = W.new_empty(n)
        with torch.cuda.device_of(W):
            _dots[(triton.cdiv(n, ENTRIES),)](
                rows_BD, index.rows, W, index.latents, out, n, width, ENTRIES, _columns(width), num_warps=WARPS
            )
        return out


def _can_read(table: Tensor) -> bool:
    """Return whether Triton can read a table: a model may have been moved from its GPU."""
    return table.is_cuda or bool(triton.knobs.runtime.interpret)


def _columns(width: int) -> int:
    """Return the number of columns of a tile, a power of 2, for rows of so many numbers."""
    return min(COLUMNS, triton.next_power_of_2(width))


@triton.jit
def _sums(table, rows, starts, weights, out, width, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr):
    """out[bag] = Σ weight · table[row]."""
    bag = tl.program_id(0).to(tl.int64)  # bag × width may not fit 32 bits
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = column < width
    begin, end = tl.load(starts + bag), tl.load(starts + bag + 1)
    total = tl.zeros([COLUMNS], out.dtype.element_ty)
    for first in range(begin, end, ENTRIES):
        entry = first + tl.arange(0, ENTRIES)
        valid = entry < end
        row = tl.load(rows + entry, mask=valid, other=0)[:, None] * width
        weight = tl.load(weights + entry, mask=valid, other=0)[:, None]
        tile = tl.load(table + row + column[None, :], mask=valid[:, None] & inside[None, :], other=0)
        total += tl.sum(weight * tile, 0)
    tl.store(out + bag * width + column, total, mask=inside)


@triton.jit(do_not_specialize=["n"])  # it differs from batch to batch
def _dots(left, left_rows, right, right_rows, out, n, width, ENTRIES: tl.constexpr, COLUMNS: tl.constexpr):
    """out[entry] = left[left_row] · right[right_row]."""
    entry = tl.program_id(0).to(tl.int64) * ENTRIES + tl.arange(0, ENTRIES)
    valid = entry < n
    left_row = tl.load(left_rows + entry, mask=valid, other=0)[:, None] * width
    right_row = tl.load(right_rows + entry, mask=valid, other=0)[:, None] * width
    total = tl.zeros([ENTRIES], out.dtype.element_ty)
    for first in range(0, width, COLUMNS):
        column = first + tl.arange(0, COLUMNS)[None, :]
        inside = valid[:, None] & (column < width)
        a = tl.load(left + left_row + column, mask=inside, other=0)
        b = tl.load(right + right_row + column, mask=inside, other=0)
        total += tl.sum(a * b, 1)
    tl.store(out + entry, total, mask=valid)
