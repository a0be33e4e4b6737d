"""The rows whose imputed cells are the most uncertain, and what they were filled with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .imputed_cells import FilledCells, Floats, interval
from .imputed_columns import ImputedColumn

MAX_CELLS = 12  # of a row
MAX_LEVELS = 3  # of a cell
MIN_SHARE = 0.005  # probability of a level that is listed


@dataclass(frozen=True)
class ImputedCell:
    """A missing cell and what it was filled with.

    Parameters
    ----------
    column : str
        Its variable.
    value : str, int or float
        What it was filled with.
    low, high : str, int, float or None
        The ends of its 90% interval; None for levels.
    levels : list of (str, float)
        The most probable levels, up to 3, with their probabilities; [] for numbers.
    """

    column: str
    value: str | float
    low: str | float | None
    high: str | float | None
    levels: list[tuple[str, float]]


@dataclass(frozen=True)
class ImputedRow:
    """A row with missing cells.

    Parameters
    ----------
    row : int
        Its index, from 0.
    missing : int
        The number of its missing cells.
    uncertainty : float
        The sum over them of how uncertain each is; a cell of which nothing is known but its variable counts about 1.
    cells : list of ImputedCell
        The most uncertain of them first, up to 12.
    """

    row: int
    missing: int
    uncertainty: float
    cells: list[ImputedCell]


def imputed_rows(
    columns: Sequence[ImputedColumn],
    filled: Sequence[FilledCells],
    uncertain: Sequence[Floats],
    rows: NDArray[np.intp],
    most: int,
) -> list[ImputedRow]:
    """Return the most uncertain rows, the first first.

    Parameters
    ----------
    columns : sequence of ImputedColumn [V]
        The variables.
    filled : sequence of FilledCells [V]
        The missing cells of each.
    uncertain : sequence of arrays [V][n]
        How uncertain each of these is.
    rows : array [N] of int
        The indices of the rows that `filled` counts.
    most : int
        The largest number of rows.
    """
    by_cell = np.zeros((len(rows), len(columns)))
    place = np.full((len(rows), len(columns)), -1)
    for j, (cells, shares) in enumerate(zip(filled, uncertain, strict=True)):
        by_cell[cells.rows, j] = shares
        place[cells.rows, j] = np.arange(len(cells.rows))
    total = by_cell.sum(1)
    return [
        ImputedRow(
            row=int(rows[row]),
            missing=int((place[row] >= 0).sum()),
            uncertainty=float(total[row]),
            cells=[
                _cell(columns[j], filled[j], int(place[row, j]))
                for j in np.argsort(-by_cell[row], kind="stable")
                if place[row, j] >= 0
            ][:MAX_CELLS],
        )
        for row in np.argsort(-total, kind="stable")[:most]
    ]


def _cell(column: ImputedColumn, cells: FilledCells, i: int) -> ImputedCell:
    if column.levels:
        (value,) = column.shown(cells.values[i : i + 1])
        shares = cells.shares[i]
        likely = [k for k in np.argsort(-shares, kind="stable")[:MAX_LEVELS] if shares[k] >= MIN_SHARE]
        return ImputedCell(column.name, value, None, None, [(column.levels[k], float(shares[k])) for k in likely])
    value, low, high = column.shown(np.array([cells.values[i], *interval(cells.draws[i])]))
    return ImputedCell(column.name, value, low, high, [])
