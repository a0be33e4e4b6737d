"""A variable's known and imputed values, side by side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .imputed_cells import FilledCells, Floats
from .imputed_columns import ImputedColumn
from .numbers import ShortRepr

TAILS = (0.05, 0.95)  # quantiles of the known values: between them lie 90%, if nothing else is known


@dataclass(frozen=True)
class LevelShares:
    """How frequent a level is.

    Parameters
    ----------
    level : str
        The level.
    known, filled, drawn : float or None
        Its share of the known cells, of the values that missing cells were filled with, and of draws of these; None
        without such cells.
    """

    level: str
    known: float | None
    filled: float | None
    drawn: float | None


@dataclass(frozen=True, repr=False)
class ImputedVariable(ShortRepr):
    """A variable's missing cells, and its known and imputed values.

    Parameters
    ----------
    name : str
        The variable.
    kind : {"number", "integer", "boolean", "category", "date"}
        What it is.
    missing : int
        Its missing cells.
    share : float
        Their share of the rows, from 0 to 1.
    known_mean, filled_mean : str, float or None
        The mean of the known values, and of those that missing cells were filled with; of dates as text. None for
        levels, and without such cells.
    known_deviation, filled_deviation, drawn_deviation : float or None
        Standard deviations of the known values, the filled ones and draws of these, in `unit`.
    unit : str
        "days", … of dates; else "" for the variable's own.
    width : float or None
        The median width of the 90% intervals of the missing cells, in `unit`.
    levels : list of LevelShares
        Of a boolean or a category, the most frequent level first; else [].
    probability : float or None
        The mean probability of the levels that missing cells were filled with.
    """

    name: str
    kind: str
    missing: int
    share: float
    known_mean: str | float | None
    filled_mean: str | float | None
    known_deviation: float | None
    filled_deviation: float | None
    drawn_deviation: float | None
    unit: str
    width: float | None
    levels: list[LevelShares]
    probability: float | None


def imputed_variable(
    column: ImputedColumn, missing: NDArray[np.bool_], known: Floats, filled: FilledCells
) -> ImputedVariable:
    """Return a variable's known and imputed values.

    Parameters
    ----------
    column : ImputedColumn
        The variable.
    missing : array [N] of bool
        In which rows it is missing.
    known : array [n]
        Its known values.
    filled : FilledCells
        Its missing cells, or some of them.
    """
    deviation = float(known.std()) if len(known) else 0.0
    ratio, unit = (1.0, "") if column.levels else column.unit(deviation)
    low, high = filled.intervals
    is_number = not column.levels
    return ImputedVariable(
        name=column.name,
        kind=column.kind,
        missing=int(missing.sum()),
        share=float(missing.mean()),
        known_mean=_mean(column, known),
        filled_mean=_mean(column, filled.values),
        known_deviation=ratio * deviation if is_number and len(known) else None,
        filled_deviation=ratio * float(filled.values.std()) if is_number and len(filled.values) else None,
        drawn_deviation=ratio * float(filled.draws.std()) if is_number and len(filled.values) else None,
        unit=unit,
        width=ratio * float(np.median(high - low)) if is_number and len(low) else None,
        levels=[] if is_number else _levels(column, known, filled),
        probability=None if is_number or not len(filled.values) else float(filled.shares.max(1).mean()),
    )


def uncertainties(column: ImputedColumn, known: Floats, filled: FilledCells) -> Floats:
    """Return how uncertain each missing cell is [n]: 0 certain, 1 as uncertain as if only the variable were known.

    Of numbers the width of the 90% interval, divided by that in which 90% of the known values lie. Of levels the
    probability of the others, divided by the share of all but the most frequent one.
    """
    if not len(known):
        return np.ones(len(filled.values))
    if column.levels:
        uncertain = 1 - filled.shares.max(1)
        alone = float(1 - np.bincount(known.astype(int)).max() / len(known))
    else:
        low, high = filled.intervals
        uncertain, alone = high - low, float(np.subtract(*np.quantile(known, TAILS[::-1])))
    return uncertain / alone if alone > 0 else np.zeros(len(uncertain))


def _mean(column: ImputedColumn, values: Floats) -> str | float | None:
    if column.levels or not len(values):
        return None
    mean = float(values.mean())
    return column.shown(np.array([mean]))[0] if column.kind == "date" else mean


def _levels(column: ImputedColumn, known: Floats, filled: FilledCells) -> list[LevelShares]:
    known_shares, filled_shares, drawn_shares = (
        np.bincount(values.astype(int), minlength=len(column.levels)) / len(values) if len(values) else None
        for values in (known, filled.values, filled.draws.ravel())
    )
    first = filled_shares if known_shares is None else known_shares
    order: list[int] = [] if first is None else np.argsort(-first, kind="stable").tolist()
    return [
        LevelShares(
            column.levels[level],
            *(
                None if shares is None else float(shares[level])
                for shares in (known_shares, filled_shares, drawn_shares)
            ),
        )
        for level in order
    ]
