"""Which columns are learnt from: kept or dropped by name."""

import shlex
from collections.abc import Container, Mapping, Sequence
from difflib import get_close_matches
from math import prod

import numpy as np
import numpy.typing as npt

from ...core.errors import DataError, UnknownColumn
from .source import Array, Source

Names = str | int | Sequence[str | int]


def select(source: Source, columns: Names | None = None, drop: Names | None = None) -> Source:
    """Return the source with only the named `columns`, in that order, and without those in `drop`.

    Columns without names are called by their number, from 0.

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
    return _Selected(source, kept(source.columns, prod(source.shape), columns, drop))


def kept(names: Sequence[str] | None, n_columns: int, columns: Names | None, drop: Names | None) -> list[int]:
    """Return the positions of the columns that `columns` and `drop` leave, in the order asked for."""
    known = [str(number) for number in range(n_columns)] if names is None else list(names)
    place = {name: position for position, name in enumerate(known)}
    if len(place) < len(known):
        twice = next(name for name in known if known.count(name) > 1)
        raise DataError(f"two columns are called {twice!r}; rename one")
    asked = known if columns is None else _texts(columns, place)
    dropped = [] if drop is None else _texts(drop, place)
    for name in [*asked, *dropped]:
        if name not in place:
            raise _unknown(name, known, named=names is not None)
    if len(set(asked)) < len(asked):
        raise DataError(f"column {next(name for name in asked if asked.count(name) > 1)!r} is asked for twice")
    left = [place[name] for name in asked if name not in dropped]
    if not left:
        raise DataError("no column is left; drop fewer")
    return left


def not_numbers(columns: Mapping[str, str]) -> DataError:
    """Return the error that names every column without numbers, each with its reason, and the mend."""
    said = ", ".join(f"{name!r} ({reason})" for name, reason in columns.items())
    noun, it = ("column", "it") if len(columns) == 1 else ("columns", "them")
    options = " ".join(f"--drop {shlex.quote(name)}" for name in columns)
    return DataError(f"not numbers in {noun} {said}; drop {it} ({options}) or encode {it} as numbers")


def _texts(names: Names, known: Container[str]) -> list[str]:
    """Return the names one by one: "a,b" is two, unless a column is called so."""
    texts = [str(name) for name in ([names] if isinstance(names, str | int) else names)]
    return [name.strip() for text in texts for name in ([text] if text in known else text.split(","))]


def _unknown(name: str, known: Sequence[str], *, named: bool) -> UnknownColumn:
    if not named:
        return UnknownColumn(f"no column {name!r}; the columns have no names: say 0 to {len(known) - 1}")
    # Case and cut-off ends are the usual slips; get_close_matches alone forgives neither.
    folded = {candidate.lower(): candidate for candidate in reversed(known)}
    near = [folded[match] for match in get_close_matches(name.lower(), folded, cutoff=0.5)]
    near += [candidate for candidate in known if name.lower() in candidate.lower() and candidate not in near]
    which = "nearest" if near else "there are"
    return UnknownColumn(f"no column {name!r}; {which}: {', '.join(map(repr, (near or known)[:5]))}")


class _Selected:
    """Some columns of another source."""

    def __init__(self, source: Source, positions: list[int]) -> None:
        self._source = source
        first, last = positions[0], positions[-1]
        # A run of neighbours is a slice, and a slice is a view.
        in_a_row = positions == list(range(first, last + 1))
        self._positions: slice | list[int] = slice(first, last + 1) if in_a_row else positions
        self.columns = None if source.columns is None else tuple(source.columns[i] for i in positions)
        self.shape = (len(positions),)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self._source.dtype

    def __len__(self) -> int:
        return len(self._source)

    def read(self, start: int, stop: int) -> Array:
        return self._source.read(start, stop)[:, self._positions]

    def take(self, indices: npt.NDArray[np.integer]) -> Array:
        return self._source.take(indices)[:, self._positions]
