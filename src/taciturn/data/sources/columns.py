"""Selection of columns by name or number."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Container, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError, NotNumeric, UnknownColumn
from ...core.messages import listed, quoted
from .source import Array, Source, blocks_of, identity_of, ids_of, place_of, stored_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Names = str | int | Sequence[str | int]

_MAX_SHOWN = 10  # columns that a message lists
_SELECT_OTHERS = "select the numeric columns (--columns)"


def select(source: Source, columns: Names | None = None, drop: Names | None = None) -> Source:
    """Return a source with some of the columns of another.

    Parameters
    ----------
    source : Source
        Its rows are not copied.
    columns : str, int or sequence of them, optional
        The columns to keep, in this order; by default all. A text "a,b" is two names, unless a column is named so.
        Columns without names are named by their number, from 0.
    drop : str, int or sequence of them, optional
        Columns to leave out of these; by default none.

    Returns
    -------
    Source
        Its rows are flat: `shape` is the number of columns. The source itself if nothing is selected.

    Raises
    ------
    UnknownColumn
        A name is unknown; the message suggests near ones.
    DataError
        A column is named twice, two columns have the same name, or no column is left.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> flowers = Rows(np.array([[5.1, 3.5, 0.2], [4.9, 3.0, 0.4]]), columns=("length", "width", "depth"))
    >>> select(flowers, columns=["depth", "length"]).read(0, 2)
    array([[0.2, 5.1],
           [0.4, 4.9]])
    >>> select(flowers, drop="width").columns
    ('length', 'depth')
    """
    if columns is None and drop is None:
        return source
    return _Selected(source, column_positions(source.columns, prod(source.shape), columns, drop))


def column_positions(
    names: Sequence[str] | None,
    n_columns: int,
    columns: Names | None,
    drop: Names | None,
    labels: Container[int] = (),
) -> list[int]:
    """Return the positions of the selected columns, in the order of `columns`.

    Parameters
    ----------
    names : sequence of str, optional
        The names of all columns; None where they have none.
    n_columns : int
        The number of all columns.
    columns, drop
        As for `select`.
    labels : container of int, default=()
        Columns that hold labels of the rows: they are selected only if `columns` names them.

    Returns
    -------
    list of int
        At least one position, each from 0 to n_columns - 1.

    Raises
    ------
    UnknownColumn, DataError
        As for `select`.
    """
    known = [str(number) for number in range(n_columns)] if names is None else list(names)
    positions = {name: position for position, name in enumerate(known)}
    if len(positions) < len(known):
        repeated = next(name for name in known if known.count(name) > 1)
        raise DataError(f"two columns are called {quoted(repeated)}; rename one")
    if columns is None:
        selected = [name for name in known if positions[name] not in labels]
    else:
        selected = split_names(columns, positions)
    dropped = [] if drop is None else split_names(drop, positions)
    for name in [*selected, *dropped]:
        if name not in positions:
            raise unknown_column(name, known, named=names is not None)
    if len(set(selected)) < len(selected):
        repeated = next(name for name in selected if selected.count(name) > 1)
        raise DataError(f"column {quoted(repeated)} is selected twice; name it once")
    remaining = [positions[name] for name in selected if name not in dropped]
    if not remaining:
        raise DataError("no column is left; drop fewer")
    return remaining


def not_numeric(columns: Mapping[str, str]) -> NotNumeric:
    """Return the error that names every column that is not numeric.

    Parameters
    ----------
    columns : mapping of str to str
        The columns' names, each with a reason, as the place and text of a cell.

    Returns
    -------
    NotNumeric
        One line, which ends with the options that drop these columns.
    """
    shown = [f"{quoted(name)} ({reason})" for name, reason in islice(columns.items(), _MAX_SHOWN)]
    rest = f" and {len(columns) - len(shown):,} more" if len(columns) > len(shown) else ""
    subject, verb, pronoun = ("column", "is", "it") if len(columns) == 1 else ("columns", "are", "them")
    drop = " ".join(f"--drop {shlex.quote(name)}" for name in columns)
    mend = f"drop {pronoun} ({drop})" if not rest and drop.isprintable() and len(drop) < 500 else _SELECT_OTHERS
    return NotNumeric(f"{subject} {', '.join(shown)}{rest} {verb} not numeric; {mend} or encode {pronoun} as numbers")


def label_position(
    names: Sequence[str] | None, n_columns: int, column: str | None, row_labels: Collection[int] = ()
) -> int:
    """Return the position of the column with the labels: the named one, or the only one.

    Parameters
    ----------
    names, n_columns
        As for `column_positions`.
    column : str or None
        The column's name.
    row_labels : collection of int, default=()
        Columns that hold labels of the rows, and are not meant without their names.

    Returns
    -------
    int

    Raises
    ------
    UnknownColumn, DataError
        The name is unknown, or none is given for a table of several columns.
    """
    if column is not None:
        return column_positions(names, n_columns, column, None)[0]
    positions = [position for position in range(n_columns) if position not in row_labels]
    if len(positions) != 1:
        shown = listed(positions if names is None else [names[position] for position in positions])
        raise DataError(f"there are {len(positions):,} columns, {shown}; name the one with the labels")
    return positions[0]


def split_names(names: Names, known: Container[str]) -> list[str]:
    """Return the names one by one: "a,b" is two, unless a column is named so."""
    texts = [str(name) for name in ([names] if isinstance(names, str | int) else names)]
    return [name.strip() for text in texts for name in ([text] if text in known else text.split(","))]


def unknown_column(name: str, known: Sequence[str], *, named: bool) -> UnknownColumn:
    """Return the error for an unknown name, with up to five near or known names."""
    if not named:
        numbers = f"0 to {len(known) - 1}"
        return UnknownColumn(f"no column {quoted(name)}; the columns have no names, only numbers: {numbers}")
    # Wrong case and missing ends are the usual errors; get_close_matches alone does not find these.
    original = {candidate.lower(): candidate for candidate in reversed(known)}
    near = [original[match] for match in get_close_matches(name.lower(), original, cutoff=0.5)]
    near += [candidate for candidate in known if name.lower() in candidate.lower() and candidate not in near]
    intro = "nearest" if near else "there are"
    return UnknownColumn(f"no column {quoted(name)}; {intro}: {', '.join(map(quoted, (near or known)[:5]))}")


class _Selected:
    """Some columns of another source."""

    def __init__(self, source: Source, positions: list[int]) -> None:
        self._source = source
        first, last = positions[0], positions[-1]
        # Neighbouring columns are selected by a slice, because a slice is a view.
        is_range = positions == list(range(first, last + 1))
        self._positions: slice | list[int] = slice(first, last + 1) if is_range else positions
        self.columns = None if source.columns is None else tuple(source.columns[i] for i in positions)
        self.shape = (len(positions),)
        self.ids = ids_of(source)
        integers = set(getattr(source, "integers", ()))
        self.integers = [number for number, position in enumerate(positions) if position in integers]

    @property
    def blocks(self) -> npt.NDArray[np.int64] | None:
        return blocks_of(self._source)

    @property
    def identity(self) -> str | None:
        whole = identity_of(self._source)
        return None if whole is None else f"{whole}\ncolumns {self._positions}"

    def place(self, row: int) -> str:
        return place_of(self._source, row)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self._source.dtype

    def __len__(self) -> int:
        return len(self._source)

    def stored(self, rows: slice | npt.NDArray[np.integer]) -> csr_array | None:
        all_columns: Any = stored_rows(self._source, rows)
        return None if all_columns is None else all_columns[:, self._positions].sorted_indices()

    def read(self, start: int, stop: int) -> Array:
        rows = self.stored(slice(start, stop))
        return self._source.read(start, stop)[:, self._positions] if rows is None else rows.toarray()

    def take(self, indices: npt.NDArray[np.integer]) -> Array:
        rows = self.stored(indices)
        return self._source.take(indices)[:, self._positions] if rows is None else rows.toarray()
