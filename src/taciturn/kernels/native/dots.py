"""Products of rows with rows of a table, without copies of either."""

import torch
from torch import Tensor

from . import library
from .library import Dots, empty_floats, readable


def dots(rows: Tensor, row_index: Tensor, table: Tensor, table_index: Tensor) -> Tensor | None:
    """Return rows[row_index] · table[table_index] for each entry, without gradient; None where it cannot be computed.

    It cannot where there is no compiled library, for arrays that are not on the processor, and for other dtypes.

    Parameters
    ----------
    rows : Tensor [rows, D], float32
        Rows.
    row_index : Tensor [N], int64
        The row of each entry.
    table : Tensor [latents, D], float32
        Table.
    table_index : Tensor [N], int64
        The table's row of each entry.

    Returns
    -------
    Tensor [N], float32, or None

    Raises
    ------
    ValueError
        If rows and table differ in width, or the two indices in length.
    """
    loops, (entries, width) = library.compiled_library(), (len(table_index), table.shape[1])
    indices_fit = all(array.is_cpu and array.dtype == torch.long for array in (row_index, table_index))
    if loops is None or not (indices_fit and readable(rows, table)):
        return None
    if rows.shape[1] != width or len(row_index) != entries:
        raise ValueError(
            f"rows have {rows.shape[1]} columns and the table {width}, row_index has {len(row_index)} entries and"
            f" table_index {entries}; both numbers must agree"
        )
    rows, row_index, table, table_index = (array.contiguous() for array in (rows, row_index, table, table_index))
    out = empty_floats(entries)
    loops.run(
        Dots(
            kind=loops.kind,
            threads=loops.threads(entries * width),
            entries=entries,
            width=width,
            rows=rows.data_ptr(),
            row_index=row_index.data_ptr(),
            table=table.data_ptr(),
            table_index=table_index.data_ptr(),
            out=out.data_ptr(),
        )
    )
    return out
