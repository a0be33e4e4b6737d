"""How far imputed values can be trusted: known cells are hidden, imputed, and compared with what they were."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .imputed_cells import FilledCells, Filler, Floats, fill_cells
from .imputed_columns import ImputedColumn
from .numbers import ShortRepr

ONE_IN = 10  # of a variable's known cells is hidden; of fewer none
MAX_ROWS = 4_000  # of which cells are hidden
MAX_TRAINED = 0.5  # share of rows that were given to fit; with more, a copy of the model is fitted without the cells


@dataclass(frozen=True)
class TrialVariable:
    """How well the hidden cells of a variable were imputed.

    Parameters
    ----------
    name : str
        The variable.
    cells : int
        The number of hidden cells, 1 or more.
    rmse, constant_rmse : float or None
        Root mean squared error of the filled values, and of the mean of the variable's other known cells, in `unit`.
        None for levels.
    unit : str
        The unit of both: "days", … of dates; else "" for the variable's own.
    covered : int or None
        Cells within their 90% interval; None for levels.
    width : float or None
        The median width of these intervals, in `unit`; None for levels.
    right, most_frequent : float or None
        The share of cells whose level is right, and the share that has the level that is most frequent among the
        variable's other known cells. None for numbers.
    probability : float or None
        The mean probability of the filled levels: about `right` if probabilities are true. None for numbers.
    """

    name: str
    cells: int
    rmse: float | None = None
    constant_rmse: float | None = None
    unit: str = ""
    covered: int | None = None
    width: float | None = None
    right: float | None = None
    most_frequent: float | None = None
    probability: float | None = None

    @property
    def ratio(self) -> float | None:
        """The error divided by that of the constant: of levels the wrong shares. None where the constant is right."""
        if self.right is not None and self.most_frequent is not None:
            return (1 - self.right) / (1 - self.most_frequent) if self.most_frequent < 1 else None
        return self.rmse / self.constant_rmse if self.rmse is not None and self.constant_rmse else None


@dataclass(frozen=True, repr=False)
class Trial(ShortRepr):
    """How well hidden cells were imputed.

    Parameters
    ----------
    rows : int
        The rows of which cells were hidden.
    cells : int
        The number of hidden cells.
    refitted : bool
        Whether a copy of the imputer imputed them, which was fitted to these rows without the hidden cells. Otherwise
        the rows were not given to `fit`, and the imputer itself imputed them.
    error : float or None
        The mean over variables of `ratio`.
    number_cells, covered : int
        The hidden cells of numbers and dates, and how many of them lie in their 90% interval.
    level_cells, right : int
        The hidden cells of booleans and categories, and how many of them were filled with the right level.
    variables : list of TrialVariable
        Those of which cells were hidden.
    """

    rows: int
    cells: int
    refitted: bool
    error: float | None
    number_cells: int
    covered: int
    level_cells: int
    right: int
    variables: list[TrialVariable]


def measure_trial(
    columns: Sequence[ImputedColumn],
    rows: Floats,
    trained: NDArray[np.bool_],
    filler: Filler,
    refit: Callable[[Floats], Filler],
    seed: int,
) -> Trial | str:
    """Return how well a tenth of the known cells of rows is imputed; or why that could not be measured.

    Parameters
    ----------
    columns : sequence of ImputedColumn [V]
        The variables.
    rows : array [N, D]
        Encoded rows.
    trained : array [N] of bool
        Which of them were given to `fit`.
    filler : Filler
        The imputer.
    refit : callable
        Returns a copy of the imputer that is fitted to other rows [R, D].
    seed : int
        Of the hidden cells and the draws.

    Notes
    -----
    If more than half of the rows were given to `fit`, a copy is fitted to at most 4,000 rows without the hidden cells,
    and judged on these. Otherwise the imputer itself is judged, on at most 4,000 of the rows that are new to it.
    """
    rng = np.random.default_rng(seed)
    refitted = bool(trained.mean() > MAX_TRAINED)
    candidates = np.arange(len(rows)) if refitted else np.flatnonzero(~trained)
    if len(candidates) > MAX_ROWS:
        candidates = np.sort(rng.choice(candidates, MAX_ROWS, replace=False))
    clean = rows[candidates]
    truth = np.stack([column.values(clean[:, column.place]) for column in columns], 1)
    hidden = hide(~np.isnan(truth), rng)
    if not hidden.any():
        return f"No variable has {ONE_IN} known cells in these rows, so none was hidden to measure the imputer."
    holed = clean.copy()
    for j, column in enumerate(columns):
        holed[hidden[:, j], column.place] = np.nan
    if refitted:
        if unknown := [column.name for column in columns if np.isnan(holed[:, column.place]).all(0).any()]:
            return (
                f"{unknown[0]} has no known cell in the {len(holed):,} rows, so no copy of the imputer could be fitted "
                "to them to measure it."
            )
        filler = refit(holed)
    judged = np.flatnonzero(hidden.any(1))
    filled = fill_cells(columns, holed[judged], filler, rng)
    variables = [
        _variable(column, cells.of(hidden[judged, j]), truth[judged, j], truth[~hidden[:, j], j])
        for j, (column, cells) in enumerate(zip(columns, filled, strict=True))
        if hidden[:, j].any()
    ]
    ratios = [each.ratio for each in variables if each.ratio is not None]
    numbers = [each for each in variables if each.covered is not None]
    levels = [each for each in variables if each.right is not None]
    return Trial(
        rows=len(clean),
        cells=int(hidden.sum()),
        refitted=refitted,
        error=float(np.mean(ratios)) if ratios else None,
        number_cells=sum(each.cells for each in numbers),
        covered=sum(each.covered or 0 for each in numbers),
        level_cells=sum(each.cells for each in levels),
        right=round(sum((each.right or 0) * each.cells for each in levels)),
        variables=variables,
    )


def hide(known: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which cells to hide [N, V]: of each variable a tenth of the known ones, rounded down."""
    hidden = np.zeros_like(known)
    for j, cells in enumerate(known.T):
        places = np.flatnonzero(cells)
        hidden[rng.choice(places, len(places) // ONE_IN, replace=False), j] = True
    return hidden


def _variable(column: ImputedColumn, cells: FilledCells, truth: Floats, others: Floats) -> TrialVariable:
    """Return the errors of a variable; `truth` are the values of all rows, `others` those that were not hidden."""
    true, others = truth[cells.rows], others[~np.isnan(others)]
    if column.levels:
        most_frequent = np.bincount(others.astype(int)).argmax()
        return TrialVariable(
            column.name,
            len(true),
            right=float((cells.values == true).mean()),
            most_frequent=float((true == most_frequent).mean()),
            probability=float(cells.shares.max(1).mean()),
        )
    (low, high), (ratio, unit) = cells.intervals, column.unit(float(others.std()))
    return TrialVariable(
        column.name,
        len(true),
        rmse=ratio * float(np.sqrt(np.square(cells.values - true).mean())),
        constant_rmse=ratio * float(np.sqrt(np.square(others.mean() - true).mean())),
        unit=unit,
        covered=int(((low <= true) & (true <= high)).sum()),
        width=ratio * float(np.median(high - low)),
    )
