"""The schema of a mixed table: what its columns are, the table as numbers, and numbers as a table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt

from ...core.errors import ArtifactError, DataError
from ...core.messages import listed, one_line, quoted
from .boolean import Boolean
from .category import Category
from .cells import Dtype
from .date import Date
from .decide import decide
from .integer import Integer
from .left_out import Dropped, Identifier
from .number import Number
from .source import EncodedTable
from .tables import Library, Table, class_of, library_of, table_of
from .variable import Variable

NEW_LEVEL = "a new level"
MAX_SHOWN = 10  # categories that are described one by one
AnyVariable = Number | Integer | Boolean | Category | Date | Dropped | Identifier


class Variables(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The schema of a mixed table, decided once. It is a record of msgspec, so that it can be a part of another.

    Parameters
    ----------
    library : {"pandas", "polars", "arrow"}
        The library of the table that was decided on.
    table : tuple of Variable
        All columns of the table in order, with those that are left out.
    given : tuple of str
        Names of the columns whose kind the user set.

    Raises
    ------
    ValueError
        No column is encoded, or two have the same name.

    Examples
    --------
    >>> import pandas as pd
    >>> cats = pd.DataFrame({"age": [3, 12], "coat": ["grey", None], "name": ["Tom", "Kit"]}, index=["x", "y"])
    >>> variables = Variables.decide(cats, {"name": "id"})
    >>> variables.columns, variables.levels
    (('age', 'coat=grey'), (0, 0))
    >>> variables.source(cats).read(0, 2)
    array([[ 3.,  1.],
           [12., nan]])
    >>> variables.decode([[3.2, 1.0], [11.7, 0.9]], like=cats)
       age  coat name
    x    3  grey  Tom
    y   12  grey  Kit
    """

    library: Library
    table: tuple[AnyVariable, ...]
    given: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.variables:
            raise ValueError("no variable")
        if len({variable.label for variable in self.table}) < len(self.table):
            raise ValueError("two columns have the same name")

    @classmethod
    def decide(cls, table: Any, given: Mapping[Any, str] | None = None) -> Self:
        """Return the schema of a table.

        Numbers, integers, booleans, dates and categorical columns are taken as their type has it. Text is numbers or
        dates (ISO 8601) if all known cells are, else a category of at most 50 levels. Objects are taken by their
        values.

        Parameters
        ----------
        table : frame of pandas or Polars, or Arrow table [N, columns]
            At least one row. Missing cells are nulls or NaN.
        given : mapping of column to kind, optional
            Kinds that the user sets: "number", "integer", "boolean", "category", "date", "drop" or "id". Columns of
            the last two are not encoded.

        Returns
        -------
        Variables

        Raises
        ------
        DataTypeError
            The table is not one, or is lazy.
        UnknownColumn, RecipeError
            A column or a kind of `given` is unknown.
        DataError
            Columns have no known cell, the same name, more than 50 levels of text, or a type without a kind; or a cell
            is not of the kind that was set.
        """
        library, own = library_of(table), table_of(table)
        assert library is not None
        decided: Any = tuple(decide(own, given))
        return cls(library=library, table=decided, given=tuple(map(str, given or ())))

    @cached_property
    def variables(self) -> tuple[AnyVariable, ...]:
        """The columns that are encoded, in order."""
        return tuple(variable for variable in self.table if not isinstance(variable, Dropped))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the encoded variables."""
        return tuple(variable.text for variable in self.variables)

    @property
    def levels(self) -> tuple[int, ...]:
        """Per variable 0 for a number, 1 for a boolean, K >= 2 for a category of K levels."""
        return tuple(variable.level for variable in self.variables)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the encoded columns: "age", "colour=red", "colour=blue"; all differ."""
        names: dict[str, None] = {}
        for name in (name for variable in self.variables for name in variable.names()):
            number, unique = 1, name
            while unique in names:
                number += 1
                unique = f"{name} ({number})"
            names[unique] = None
        return tuple(names)

    @property
    def described_columns(self) -> tuple[str, ...]:
        """The encoded columns in words: "age", "member: True", "colour: red"."""
        return tuple(
            f"{variable.text}: {name[len(variable.text) + 1 :] if variable.level > 1 else True}"
            if variable.level
            else variable.text
            for variable in self.variables
            for name in variable.names()
        )

    @property
    def encoding(self) -> list[dict[str, Any]]:
        """What each encoded column holds, in their order, as JSON can hold it.

        Each has the keys "column" (its name), "variable" (the table's column), "kind", "value" (in words) and "missing"
        (what all columns of a missing cell's variable hold). Columns of categories have "level", as `values.pack`
        writes it, and "unseen" (what all columns of a variable hold for a level that did not occur); those of dates
        "offset" and "step", those of large integers "offset".
        """
        described = ((variable, each) for variable in self.variables for each in variable.encoding())
        return [
            {"column": column, "variable": variable.text, "kind": variable.kind} | each | {"missing": "NaN"}
            for column, (variable, each) in zip(self.columns, described, strict=True)
        ]

    @cached_property
    def positions(self) -> tuple[slice, ...]:
        """Of each variable the slice of its encoded columns."""
        starts = np.cumsum([0, *(variable.width for variable in self.variables)]).tolist()
        return tuple(slice(start, stop) for start, stop in pairwise(starts))

    @property
    def of_columns(self) -> npt.NDArray[np.intp]:
        """The number of each encoded column's variable [D]."""
        return np.repeat(np.arange(len(self.variables)), [variable.width for variable in self.variables])

    def cells(self, rows: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return encoded rows [N, D], or predictions, as the table's values [N, V], objects of Python.

        A level that the training rows did not have, which is 0 in all columns of its variable, is "a new level".
        """
        table, block = self.decode(rows), np.asarray(rows, np.float64)
        columns = np.empty((len(self.variables), len(table)), dtype=object)
        for position, (variable, place) in enumerate(zip(self.variables, self.positions, strict=True)):
            column = table[variable.label]
            columns[position] = column.to_pylist() if hasattr(column, "to_pylist") else list(column)
            if isinstance(variable, Category):
                columns[position][(block[:, place] == 0).all(1)] = NEW_LEVEL
        return columns.T

    @property
    def plain(self) -> bool:
        """Whether every column is integers or floats, also as Python objects, and none was set by the user."""
        return not self.given and all(type(v) in (Number, Integer) and _is_numeric(v.dtype) for v in self.table)

    def source(self, table: Any) -> EncodedTable:
        """Return the encoded rows of a table.

        Parameters
        ----------
        table : frame of pandas or Polars, or Arrow table [N, columns]
            Its columns have the names and the order of those that were decided on. Columns that are left out may be
            absent. Types may differ as long as each cell is of the variable's kind.

        Returns
        -------
        EncodedTable [N, D]
            A source of float64. A missing cell is NaN in all columns of its variable, a level that did not occur is 0
            in all.

        Raises
        ------
        DataTypeError, DataError
            It is not a table, has other columns, or a cell is not of its variable's kind: the first is named.
        """
        own = table_of(table)
        labels = self._labels(own)
        encoded = [variable.encode(own.cells(label)) for variable, label in zip(self.variables, labels, strict=True)]
        source = EncodedTable(self.variables, encoded, self.columns)
        source.variables = self
        return source

    def ids(self, table: Any) -> list[Any] | None:
        """Return an id for each row of a table: the cells of its id column, tuples of several; None without one."""
        own = table_of(table)
        labels = [v.label for v in self.table if isinstance(v, Identifier) and v.label in own.labels]
        columns = [own.column(label) for label in labels]
        lists = [column.to_pylist() if hasattr(column, "to_pylist") else column.to_list() for column in columns]
        return lists[0] if len(lists) == 1 else list(zip(*lists, strict=True)) or None

    def decode(self, rows: npt.ArrayLike, like: Any = None) -> Any:
        """Return encoded rows, or a network's predictions, as a table.

        Integers and dates are rounded and clipped to their type's range. Booleans are True from 0.5 on, categories are
        their most probable level. NaN in a column of a variable makes its cell missing.

        Parameters
        ----------
        rows : array [N, D]
            Columns as in `columns`; of booleans and categories 0 and 1, or probabilities.
        like : table, optional
            The table that the rows were made of: the result has its columns in its order, its types and its index;
            columns that are left out are copied from it. Without it the result is of the library and of the types
            that were decided on, without the columns that are left out. A type of `like` that cannot hold the
            variable's values is replaced by the one decided on.

        Returns
        -------
        table
            Of the library of `like`, or of `library`.

        Raises
        ------
        DataError
            The shape is another one, or `like` has other columns.
        ArtifactError
            A stored type is damaged.

        Notes
        -----
        An array of float64 holds these exactly: integers and dates with a range below 2⁵³ of their steps, decimals and
        numbers in text of 15 digits. NaN in floats of Polars and Arrow becomes null.
        """
        own = None if like is None else table_of(like)
        columns = self._decoded(rows, own)
        if own is None:
            return class_of(self.library).joined(columns, None)
        return own.joined({label: columns.get(label, own.column(label)) for label in own.labels}, own.frame)

    def fill(self, rows: npt.ArrayLike, table: Any) -> Any:
        """Return a table with its missing cells filled from rows. Known cells stay as they are, also other levels.

        Parameters
        ----------
        rows : array [N, D]
            As for `decode`.
        table : table [N, columns]
            As `like` of `decode`.

        Returns
        -------
        table

        Raises
        ------
        DataError
            As for `decode`.

        Examples
        --------
        >>> import pyarrow
        >>> cats = pyarrow.table({"age": [3, None], "coat": ["grey", "red"]})
        >>> Variables.decide(cats).fill([[9.0, 0.1, 0.9], [11.7, 0.8, 0.2]], cats).to_pylist()
        [{'age': 3, 'coat': 'grey'}, {'age': 12, 'coat': 'red'}]
        """
        own = table_of(table)
        columns = self._decoded(rows, own)
        filled = {label: own.filled(label, own.cells(label).known(), cells) for label, cells in columns.items()}
        return own.joined({label: filled.get(label, own.column(label)) for label in own.labels}, own.frame)

    def _decoded(self, rows: npt.ArrayLike, own: Table | None) -> dict[Any, Any]:
        """Return rows as columns of the library of a table, by their labels in it."""
        block = np.asarray(rows, np.float64)
        if block.ndim != 2 or block.shape[1] != len(self.columns):
            width = len(self.columns)
            raise DataError(f"the rows have shape {list(block.shape)}, not [N, {width}]; give one column per name")
        if own is not None and len(own) != len(block):
            raise DataError(f"{len(block):,} rows cannot be written like a table of {len(own):,}; give as many rows")
        labels = [variable.label for variable in self.variables] if own is None else self._labels(own)
        kind: Any = class_of(self.library) if own is None else type(own)
        columns = {}
        for variable, label, place in zip(self.variables, labels, self.positions, strict=True):
            try:
                dtype, native = self._target(variable, label, own)
                columns[label] = kind.built(variable.decode(block[:, place], dtype), native)
            except Exception as error:
                if own is not None:
                    raise
                # levels, types and library that do not fit each other: every library has its own errors
                name = quoted(variable.text)
                raise ArtifactError(f"the type of column {name} is damaged: {one_line(error)}; train again") from error
        return columns

    def _target(self, variable: AnyVariable, label: Any, own: Table | None) -> tuple[Dtype, Any]:
        """Return the type that a variable is decoded into, and the same as the table's library has it; None: any."""
        dtype, like = variable.dtype, None if own is None else own.cells(label)
        same = like is not None and (like.dtype.text, like.dtype.categories) == (dtype.text, dtype.categories)
        as_like = like is not None and (same or variable.fits(like))
        if like is not None and as_like and not same:
            dtype = like.dtype
        if dtype.categories is not None and not isinstance(variable, Category):
            return Dtype(text=""), None  # a prediction need not be one of the categories
        if own is not None and as_like:
            return dtype, own.native(label)
        library = class_of(self.library)
        return dtype, library.parsed(dtype) if own is None or isinstance(own, library) else None

    def _labels(self, own: Table) -> list[Any]:
        """Return the labels of the encoded variables in a table, after the check that these are its columns."""
        left_out = {variable.label for variable in self.table if isinstance(variable, Dropped)}
        labels = [label for label in own.labels if label not in left_out]
        expected = [variable.label for variable in self.variables]
        if labels == expected:
            return labels
        if not isinstance(expected[0], str) and len(labels) == len(expected):
            return labels  # names that are not text are not compared, as in scikit-learn
        unseen = [label for label in labels if label not in expected]
        absent = [label for label in expected if label not in labels]
        if unseen:
            raise DataError(f"the model was not trained on {_columns(unseen)}; leave {_them(unseen)} out")
        if absent:
            raise DataError(f"the table has no {_columns(absent)}, which the model was trained on; add {_them(absent)}")
        order = f"X[[{listed(expected)}]]" if len(expected) <= 5 else "X[list(model.variables_.names)]"
        raise DataError(f"the columns are in another order than those that the model was trained on; give {order}")

    def lines(self) -> list[str]:
        """Return what was decided, in at most 20 short lines."""
        grouped: dict[type[Variable], list[AnyVariable]] = {}
        for variable in self.table:
            grouped.setdefault(type(variable), []).append(variable)
        lines = []
        for kind, variables in grouped.items():
            shown = [v for v in variables if isinstance(v, Category)][:MAX_SHOWN]
            lines += [f"{one_line(v.text, 60)}: {v.description()}" for v in shown]
            if rest := variables[len(shown) :]:
                word = ("more " if shown else "") + kind.words[len(rest) > 1]
                lines.append(f"{len(rest):,} {word}: {listed(v.text for v in rest)}")
        return lines

    def to_json(self) -> str:
        """Return the schema as JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the schema of which `to_json` made this text; raise ArtifactError if it is damaged."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ArtifactError(f"variables: {one_line(error)}; the file is damaged") from error


def _columns(labels: list[Any]) -> str:
    return f"column{'s' if len(labels) > 1 else ''} {listed(labels)}"


def _them(labels: list[Any]) -> str:
    return "them" if len(labels) > 1 else "it"


def _is_numeric(dtype: Dtype) -> bool:
    return dtype.arrow is not None and dtype.arrow.rstrip("0123456789") in (
        "int",
        "uint",
        "float",
        "double",
        "halffloat",
    )
