"""The decision what kind of variable each column is."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Mapping
from typing import Any

from ...core.errors import DataError, RecipeError, TaciturnWarning
from ...core.messages import listed, one_line, quoted
from ..sources.columns import unknown_column
from .boolean import Boolean
from .category import Category
from .cells import Cells, Dtype
from .date import Date
from .integer import Integer
from .left_out import Dropped, Identifier
from .number import Number
from .tables import Table
from .values import pack
from .variable import Variable
from .written_dates import not_among_dates, why_no_form

MAX_LEVELS = 50  # of text that is a category without being set so

KINDS: dict[str, type[Variable]] = {
    kind.kind: kind for kind in (Number, Integer, Boolean, Category, Date, Dropped, Identifier)
}


def decide(table: Table, given: Mapping[Any, str] | None = None) -> list[Variable]:
    """Return a variable for each column of a table, in order.

    Parameters
    ----------
    table : Table
        At least one row and one column.
    given : mapping of column to kind, optional
        The kinds of some columns: the keys of KINDS. The others are decided by their cells.

    Raises
    ------
    UnknownColumn, RecipeError
        A column or a kind of `given` is unknown.
    DataError
        A column has no known cell, more than MAX_LEVELS levels of text, or is not of the kind that was set.

    Warns
    -----
    TaciturnWarning
        Most of the levels of a column of text are numbers: one that is none makes all of them levels. Or they are dates
        of which it is not known whether the day or the month comes first, or dates in several forms.
    """
    _check_labels(table.labels)
    kinds = _kinds(table, given or {})
    decided: list[Variable] = []
    empty: list[Any] = []
    crowded: dict[Any, Cells] = {}
    for label in table.labels:
        chosen = kinds.get(label)
        if chosen is not None and issubclass(chosen, Dropped):
            decided.append(chosen.decide(label, Cells(str(label), Dtype(text=str(table.native(label))))))
            continue
        cells = table.cells(label)
        if not cells.known().any():
            empty.append(label)
            continue
        chosen = chosen or kind_of(cells)
        if chosen is None:
            _warn_of_dates(label, cells)
            crowded[label] = cells
            continue
        decided.append(chosen.decide(label, cells))
        if chosen is Category and label not in kinds and not cells.declared:
            _warn_of_numbers(label, cells)
            _warn_of_dates(label, cells)
    if empty:
        raise DataError(_no_value(empty))
    if crowded:
        raise DataError(_too_many_levels(crowded))
    if all(isinstance(variable, Dropped) for variable in decided):
        raise DataError("no column is left; drop fewer")
    return decided


def kind_of(cells: Cells) -> type[Variable] | None:
    """Return the kind of a column by its cells; None for text of too many levels.

    Text is numbers, or dates in one form (see `written_dates`), if all known cells are. A number with leading zeros, as
    a postal code, is text.
    """
    from pyarrow import types

    if cells.declared:
        return Category
    kind = cells.type
    if kind is not None:
        if types.is_boolean(kind):
            return Boolean
        if types.is_integer(kind):
            return Integer
        if types.is_floating(kind) or types.is_decimal(kind):
            return Number
        if types.is_temporal(kind):
            return Date
        for written in (Number, Date):
            if cells.is_text and _is(written, cells):
                return written
    return Category if len(cells.coded()[1]) <= MAX_LEVELS else None


def _is(kind: type[Variable], cells: Cells) -> bool:
    try:
        kind.decide("", cells)
    except DataError:
        return False
    return True


def _check_labels(labels: list[Any]) -> None:
    for label in labels:
        try:
            pack(label)
        except TypeError as error:
            raise DataError(f"the name of column {quoted(label)} is of {error}; rename it") from error
        if label != label:
            raise DataError("the name of a column is missing; name it (X.columns = [...])")


def _kinds(table: Table, given: Mapping[Any, str]) -> dict[Any, type[Variable]]:
    kinds = {}
    names = [str(label) for label in table.labels]
    for column, kind in given.items():
        if column not in table.labels:
            raise unknown_column(str(column), names, named=True)
        if not isinstance(kind, str) or kind not in KINDS:
            raise RecipeError(
                f"variables: column {quoted(column)} cannot be {quoted(kind)}; kinds are {', '.join(KINDS)}"
            )
        kinds[column] = KINDS[kind]
    return kinds


def _warn_of_numbers(label: Any, cells: Cells) -> None:
    levels = cells.coded()[1]
    if not all(isinstance(level, str) for level in levels):
        return
    others = [level for level in levels if not _is_number(level)]
    if 0 < len(others) < len(levels) / 2:
        warnings.warn(
            f"column {quoted(label)} is taken for a category, because {quoted(others[0], 40)} is no number; correct "
            f"such cells, or set variables={{{one_line(repr(label), 25)}: 'category'}} (--categorical)",
            TaciturnWarning,
            stacklevel=2,
        )


def _warn_of_dates(label: Any, cells: Cells) -> None:
    texts = cells.coded()[1] if cells.is_text else []
    reason = why_no_form(texts)
    if not reason and (text := not_among_dates(texts)) is not None:
        reason = f"{quoted(text, 40)} is no date"
    if reason:
        warnings.warn(
            f"column {quoted(label)} is not taken for dates, because {reason}; write them as 2020-01-31, convert them "
            "(pandas.to_datetime with dayfirst=True or False), or set the column's kind (variables=, --categorical)",
            TaciturnWarning,
            stacklevel=2,
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _no_value(labels: list[Any]) -> str:
    if len(labels) == 1:
        return f"column {quoted(labels[0])} has no known value; drop it"
    return f"columns {listed(labels)} have no known value; drop them"


def _too_many_levels(crowded: Mapping[Any, Cells]) -> str:
    first, cells = next(iter(crowded.items()))
    examples = ", ".join(quoted(value, 20) for value in cells.coded()[1][:2])
    subject = f"column {quoted(first)} has" if len(crowded) == 1 else f"columns {listed(crowded)} have"
    key, option = one_line(repr(first), 25), shlex.quote(one_line(first, 25))
    return (
        f"{subject} more than {MAX_LEVELS} levels of text ({examples}, …); set variables={{{key}: 'id'}} "
        f"(--id {option}) if it names the rows, else 'drop' (--drop), or 'category' (--categorical) to keep all levels"
    )
