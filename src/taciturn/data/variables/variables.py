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
from ...core.messages import listed, one_line
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

AnyVariable = Number | Integer | Boolean | Category | Date | Dropped | Identifier


class Variables(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The schema of a mixed table, decided once. It is a msgspec record, so that it can be a part of another.

    Parameters
    ----------
    library : {"pandas", "polars", "arrow"}
        The library of the table that was decided on.
    table : tuple of Variable
        All columns of the table in order, with those that are left out.
    given : tuple of str
        Names of the columns whose kind the user set.
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
        """Return the schema of a table."""
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

    @cached_property
    def positions(self) -> tuple[slice, ...]:
        """Of each variable the slice of its encoded columns."""
        starts = np.cumsum([0, *(variable.width for variable in self.variables)]).tolist()
        return tuple(slice(start, stop) for start, stop in pairwise(starts))

    @property
    def plain(self) -> bool:
        """Whether every column is a number or an integer of a numeric type, and none was set by the user."""
        return not self.given and all(type(v) in (Number, Integer) and _is_numeric(v.dtype) for v in self.table)

    def source(self, table: Any) -> EncodedTable:
        """Return the encoded rows of a table."""
        own = table_of(table)
        labels = self._labels(own)
        encoded = [variable.encode(own.cells(label)) for variable, label in zip(self.variables, labels, strict=True)]
        return EncodedTable(self.variables, encoded, self.columns)

    def ids(self, table: Any) -> list[Any] | None:
        """Return an id for each row of a table from its id column, tuples if there are several; None without one."""
        own = table_of(table)
        labels = [v.label for v in self.table if isinstance(v, Identifier) and v.label in own.labels]
        lists = [list(own.column(label)) for label in labels]
        return lists[0] if len(lists) == 1 else list(zip(*lists, strict=True)) or None

    def decode(self, rows: npt.ArrayLike, like: Any = None) -> Any:
        """Return encoded rows, or rows of predictions, as a table."""
        block = np.asarray(rows, np.float64)
        if block.ndim != 2 or block.shape[1] != len(self.columns):
            raise DataError(f"the rows have shape {block.shape}, the table is encoded as [N, {len(self.columns)}]")
        own = None if like is None else table_of(like)
        if own is not None and len(own) != len(block):
            raise DataError(f"{len(block):,} rows cannot be written like a table of {len(own):,}; give as many rows")
        labels = [variable.label for variable in self.variables] if own is None else self._labels(own)
        kind: Any = class_of(self.library) if own is None else type(own)
        columns = {}
        for variable, label, place in zip(self.variables, labels, self.positions, strict=True):
            dtype, native = self._target(variable, label, own)
            columns[label] = kind.built(variable.decode(block[:, place], dtype), native)
        if own is not None:
            columns = {label: columns[label] if label in columns else own.column(label) for label in own.labels}
        return kind.joined(columns, None if own is None else own.frame)

    def _target(self, variable: AnyVariable, label: Any, own: Table | None) -> tuple[Dtype, Any]:
        """Return the type that a variable is decoded into, as stored and as the table's library has it."""
        stored = variable.dtype
        if own is not None:
            cells = own.cells(label)
            if (cells.dtype.text, cells.dtype.categories) == (stored.text, stored.categories):
                return stored, own.native(label)
            if variable.fits(cells):
                return cells.dtype, own.native(label)
            if not isinstance(own, class_of(self.library)):
                return stored, None
        return stored, class_of(self.library).parsed(stored)

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
            raise DataError(f"column {listed(unseen)} was not in the table that the model was trained on; leave it out")
        if absent:
            raise DataError(f"column {listed(absent)} is missing, which the model was trained on; add it")
        raise DataError("the columns are in another order than those that the model was trained on; give X[columns]")

    def lines(self) -> list[str]:
        """Return what was decided, in at most 20 short lines."""
        grouped: dict[type[Variable], list[AnyVariable]] = {}
        for variable in self.table:
            grouped.setdefault(type(variable), []).append(variable)
        lines = []
        for kind, variables in grouped.items():
            if kind is Category:
                lines += [f"{one_line(v.text, 60)}: {v.description()}" for v in variables[:10]]
                if len(variables) > 10:
                    lines.append(f"{len(variables) - 10:,} more categories: {listed(v.text for v in variables[10:])}")
            else:
                word = kind.kind if len(variables) == 1 else kind.plural
                lines.append(f"{len(variables):,} {word}: {listed(v.text for v in variables)}")
        return lines

    def to_json(self) -> str:
        """Return the schema as JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the schema of which `to_json` made this text."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ArtifactError(f"variables: {one_line(error)}; the file is damaged") from error


def _is_numeric(dtype: Dtype) -> bool:
    return dtype.arrow is not None and dtype.arrow.rstrip("0123456789") in (
        "int",
        "uint",
        "float",
        "double",
        "halffloat",
    )
