"""Tables in files as encoded rows, and encoded rows written as tables."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError
from ...core.messages import one_line
from ..sources.columns import Names, split_names
from ..sources.dialect import DialectOptions
from ..sources.tables import read_labelled_table, table_writer, write_table
from .source import EncodedTable
from .variables import Variables


def open_table(
    path: str | os.PathLike[str],
    variables: Variables | None = None,
    *,
    categorical: Names | None = None,
    columns: Names | None = None,
    drop: Names | None = None,
    header: bool | None = None,
    **dialect: Unpack[DialectOptions],
) -> EncodedTable:
    """Return the table of a file as encoded rows.

    Parameters
    ----------
    path, columns, drop, header, separator, decimal, thousands, quote, encoding
        As for `read_table`.
    variables : Variables, optional
        What the columns are, decided by another table; columns that it does not know are left out. By default the file
        decides.
    categorical : str or sequence of str, optional
        Columns that are categories, whatever their type.

    Returns
    -------
    EncodedTable
        With its `variables`, and the rows' `ids` if it has some.

    Raises
    ------
    DataError
        The file cannot be read, or does not fit the variables.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "table.csv").write_text("width,kind\\n0.2,setosa\\n0.3,virginica\\n,setosa\\n")
    ...     rows = open_table(f"{folder}/table.csv")
    >>> rows.columns, rows.variables.levels
    (('width', 'kind=setosa', 'kind=virginica'), (0, 2))
    """
    table, ids = read_labelled_table(path, columns=columns, drop=drop, header=header, **dialect)
    try:
        if variables is None:
            named = [] if categorical is None else split_names(categorical, table.column_names)
            variables = Variables.decide(table, dict.fromkeys(named, "category"))
        else:
            known = {str(variable.label) for variable in variables.table}
            table = table.select([name for name in table.column_names if name in known])
        source = variables.source(table)
        source.ids = variables.ids(table) or ids
    except DataError as error:
        raise type(error)(f"{one_line(path)}: {error}") from error
    return source


def write_rows(
    path: str | os.PathLike[str], variables: Variables, blocks: Iterable[npt.ArrayLike], ids: list[Any] | None = None
) -> None:
    """Write what a model puts out as a table of the variables, the rows' ids first.

    Parameters
    ----------
    path : str or path-like
        A file of a table, as for `write_table`.
    variables : Variables
        The variables.
    blocks : iterable of arrays [B, D]
        Numbers and probabilities.
    ids : list, optional
        An id for each row.

    Raises
    ------
    RecipeError
        The ending is not that of a table.
    """
    import pyarrow as pa

    table_writer(path)  # the ending, before the rows are computed
    table: Any = variables.decode(np.concatenate([np.asarray(block, np.float64) for block in blocks]))
    if hasattr(table, "to_arrow"):
        table = table.to_arrow()
    elif not isinstance(table, pa.Table):
        table = pa.Table.from_pandas(table, preserve_index=False)
    write_table(path, table, ids)
