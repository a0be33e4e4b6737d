"""Products of rows with rows of a table, which are never copied out."""

import torch
from torch import Tensor

from . import library
from .library import Dots, floats, readable


def dots(rows: Tensor, row_at: Tensor, table: Tensor, at: Tensor) -> Tensor | None:
    """Return rows[row_at] · table[at] of each entry [N], without gradient; None where this cannot be done here."""
    loops, (entries, width) = library.here(), (len(at), table.shape[1])
    numbers = all(array.is_cpu and array.dtype == torch.long for array in (row_at, at))
    if loops is None or not (numbers and readable(rows, table)):
        return None
    if rows.shape[1] != width or len(row_at) != entries:
        raise ValueError(f"rows of {rows.shape[1]} numbers for {width}, or {len(row_at)} rows for {entries} entries")
    rows, row_at, table, at, out = *(array.contiguous() for array in (rows, row_at, table, at)), floats(entries)
    loops.run(
        Dots(
            kind=loops.kind,
            threads=loops.threads(entries * width),
            entries=entries,
            width=width,
            rows=rows.data_ptr(),
            row=row_at.data_ptr(),
            table=table.data_ptr(),
            at=at.data_ptr(),
            out=out.data_ptr(),
        )
    )
    return out
