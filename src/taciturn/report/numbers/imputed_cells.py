"""Missing cells, filled by a model: their expected values, their draws and their 90% intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .imputed_columns import ImputedColumn

DRAWS, RANK = 39, 2  # of 39 draws the second and the last but one enclose 1 - 2 · 2 / 40 = 90%
MAX_NUMBERS = 1 << 23  # of the draws of a block of rows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Filler:
    """What fills missing values (NaN) of encoded rows.

    Parameters
    ----------
    means : callable
        Returns rows [N, D] with the expected value of each missing value.
    drawn : callable
        Returns so many copies of rows [N, D], with a draw of each missing value, by a generator.
    """

    means: Callable[[Floats], Floats]
    drawn: Callable[[Floats, int, np.random.Generator], Sequence[Floats]]


@dataclass(frozen=True, eq=False)
class FilledCells:
    """The n missing cells of a variable.

    Parameters
    ----------
    rows : array [n] of int
        Their rows.
    values : array [n]
        What they are filled with; of levels their numbers.
    shares : array [n, K]
        The probability of each level; K is 0 for numbers.
    draws : array [n, 39]
        Draws of their values.
    """

    rows: NDArray[np.intp]
    values: Floats
    shares: Floats
    draws: Floats

    @property
    def intervals(self) -> tuple[Floats, Floats]:
        """The lower and the upper end of the 90% interval of each cell [n]."""
        return interval(self.draws)

    def of(self, rows: NDArray[np.bool_]) -> "FilledCells":
        """Return the cells of some rows, by a mask of all rows."""
        kept = rows[self.rows]
        return FilledCells(self.rows[kept], self.values[kept], self.shares[kept], self.draws[kept])


def interval(draws: Floats) -> tuple[Floats, Floats]:
    """Return the lower and the upper end of the 90% interval of draws [..., 39]."""
    ordered = np.sort(draws, axis=-1)
    return ordered[..., RANK - 1], ordered[..., -RANK]


def fill_cells(
    columns: Sequence[ImputedColumn], rows: Floats, filler: Filler, rng: np.random.Generator
) -> list[FilledCells]:
    """Return the missing cells of each variable of encoded rows [N, D], as a model fills them."""
    parts = [[_none(column)] for column in columns]
    size = max(MAX_NUMBERS // (DRAWS * rows.shape[1]), 1)
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        means, draws = filler.means(block), np.stack(filler.drawn(block, DRAWS, rng))
        for column, part in zip(columns, parts, strict=True):
            missing = np.flatnonzero(np.isnan(block[:, column.place]).any(1))
            expected = means[missing, column.place]
            part.append(
                FilledCells(
                    rows=start + missing,
                    values=column.values(expected),
                    shares=column.shares(expected) if column.levels else np.empty((len(missing), 0)),
                    draws=column.values(draws[:, missing, column.place]).T,
                )
            )
    return [
        FilledCells(*(np.concatenate([getattr(one, name) for one in part]) for name in FilledCells.__annotations__))
        for part in parts
    ]


def _none(column: ImputedColumn) -> FilledCells:
    return FilledCells(np.empty(0, np.intp), np.empty(0), np.empty((0, len(column.levels))), np.empty((0, DRAWS)))
