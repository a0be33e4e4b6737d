"""What a table is, and which library's table something is. No library is imported that the user does not use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ....core.errors import DataError, DataTypeError
from ....core.messages import quoted
from ..cells import Cells, Dtype

Library = Literal["pandas", "polars", "arrow"]


class Table(Protocol):
    """A table of some library.

    Attributes
    ----------
    frame : object
        The user's own table.
    labels : list
        The names of its columns, in order.
    """

    frame: Any
    labels: list[Any]

    def __init__(self, frame: Any) -> None: ...

    def __len__(self) -> int: ...

    def is_numeric(self) -> bool:
        """Return whether the types of all columns are integers and floats. No cell is read."""

    def cells(self, label: Any) -> Cells:
        """Return one column; raise DataError for a type without single values, such as lists."""

    def native(self, label: Any) -> Any:
        """Return the type of one column, as its library has it."""

    def column(self, label: Any) -> Any:
        """Return one column as it is."""

    @staticmethod
    def parsed(dtype: Dtype) -> Any:
        """Return a stored type as the library has it; raise ArtifactError if it does not have it."""

    @staticmethod
    def built(cells: Cells, native: Any) -> Any:
        """Return cells as a column of a type."""

    def filled(self, label: Any, known: NDArray[np.bool_], built: Any) -> Any:
        """Return one column with its missing cells taken from another; the other if its type is another."""

    @staticmethod
    def joined(columns: Mapping[Any, Any], like: Any) -> Any:
        """Return columns as a table, with the index of the table `like` if the library has one."""


def library_of(table: Any) -> Library | None:
    """Return which library's table an object is; None for anything else.

    Examples
    --------
    >>> import pyarrow
    >>> library_of(pyarrow.table({"age": [1, 2]})), library_of([[1, 2]])
    ('arrow', None)
    """
    names = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(table).__mro__}
    if ("pandas", "DataFrame") in names:
        return "pandas"
    if ("polars", "DataFrame") in names:
        return "polars"
    return "arrow" if ("pyarrow", "Table") in names or ("pyarrow", "RecordBatch") in names else None


def table_of(frame: Any) -> Table:
    """Return a user's table.

    Raises
    ------
    DataTypeError
        It is not a table, or a lazy one; or some of its columns have names of text and others have not.
    DataError
        Two columns have the same name, or it has no column or no row.
    """
    library = library_of(frame)
    if library is None:
        if hasattr(frame, "collect_schema"):
            raise DataTypeError("the rows are a lazy frame; give X.collect()")
        raise DataTypeError(
            f"the rows are {type(frame).__name__}, not a table; give a frame of pandas or Polars, or an Arrow table"
        )
    table: Table = class_of(library)(frame)
    seen: set[Any] = set()
    for label in table.labels:
        if label in seen:
            raise DataError(
                f"two columns are called {quoted(label)}; give each column its own name (X.columns = [...])"
            )
        seen.add(label)
    if not table.labels or not len(table):
        raise DataError(f"the table has no {'rows' if table.labels else 'columns'}; give one that has some")
    text = [isinstance(label, str) for label in table.labels]
    if any(text) and not all(text):
        raise DataTypeError(
            "some names of columns are text, others are not; make them all text (X.columns = X.columns.astype(str))"
        )
    return table


def is_numeric(frame: Any) -> bool:
    """Return whether an object is a table whose columns are all of types of integers and floats. No cell is read.

    Examples
    --------
    >>> import pyarrow
    >>> is_numeric(pyarrow.table({"age": [1, 2]})), is_numeric(pyarrow.table({"coat": ["grey", "red"]}))
    (True, False)
    """
    library = library_of(frame)
    return library is not None and bool(class_of(library)(frame).is_numeric())


def class_of(library: Library) -> Any:
    """Return the class of a library's tables."""
    return import_module(f".{library}_table", __package__).OwnTable
