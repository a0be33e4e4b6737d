"""The variables of a table with booleans, categories or dates: their kinds, their errors, and cells in words."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.variables import Variables
from ...data.variables.boolean import Boolean
from ...data.variables.category import Category
from ...data.variables.date import Date
from ...data.variables.variables import AnyVariable
from ...inference import Evaluation
from ...metrics import VariableErrors
from .numbers import ShortRepr, finite
from .study import Study

EXACT = 5e-4  # a probability nearer to 1 is that of a cell that is known
STEPS = {
    10**9 * seconds: name for name, seconds in (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))
}
STEPS |= {10**6: "ms", 10**3: "µs", 1: "ns"}


@dataclass(frozen=True, repr=False)
class VariableNumbers(ShortRepr):
    """A variable of a table and its error.

    Parameters
    ----------
    name : str
        The column's name.
    kind : {"number", "integer", "boolean", "category", "date"}
        How it was encoded.
    levels : list of str
        The levels of a category; else [].
    error : float or None
        The mean loss divided by that of the best constant for these rows, ≥ 0. The loss is the squared error of numbers
        and dates, and the cross-entropy of booleans and categories. The best constant is the mean, or the shares of the
        levels. None where no cell is known.
    rmse, deviation : float or None
        Root mean squared error and standard deviation of numbers, integers and dates, in their own unit.
    unit : str
        The unit of both: "days", …, of dates; else "".
    right : float or None
        The share of cells of a boolean or a category that are predicted right, from 0 to 1: True from a probability of
        0.5 on, else the most probable level.
    most_frequent : float or None
        The share of the most frequent level, from 0 to 1: what is right if it is always predicted.
    """

    name: str
    kind: str
    levels: list[str]
    error: float | None
    rmse: float | None
    deviation: float | None
    unit: str
    right: float | None
    most_frequent: float | None

    @property
    def described_kind(self) -> str:
        """The kind in words, such as "category of 4 levels"."""
        if self.kind != "category":
            return self.kind
        return f"category of {len(self.levels):,} level{'s' if len(self.levels) > 1 else ''}"


@dataclass(frozen=True)
class Cell:
    """A cell of a table in words.

    Parameters
    ----------
    value : str, int, float or None
        A number, or the text of another value; None if it is missing.
    share : float or None
        The probability of the value, from 0 to 1; None if it has none, or is known.
    new : bool, default=False
        Whether it is a level that the training rows did not have; its value is None then.
    """

    value: str | float | None
    share: float | None = None
    new: bool = False


def measure(study: Study) -> list[VariableNumbers] | None:
    """Return the variables of a report; None if all columns are plain numbers."""
    return None if study.schema is None else variables(study.schema, study.evaluation)


def variables(schema: Variables, evaluation: Evaluation) -> list[VariableNumbers]:
    """Return the variables of a table with their errors in an evaluation of its rows."""
    clean, unit = evaluation.clean, evaluation.unit
    deviations = np.sqrt(clean.moments.variance) * unit
    if isinstance(clean, VariableErrors):
        squares, shares = clean.column_means * clean.best, clean.relative
        right, most_frequent = clean.shares_right, clean.largest_shares
    else:
        squares = clean.column_means
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(squares == 0, 0.0, squares / clean.moments.variance)
        right = most_frequent = np.full(len(squares), np.nan)
    numbers = []
    for i, (variable, place) in enumerate(zip(schema.variables, schema.positions, strict=True)):
        is_number = not isinstance(variable, Boolean | Category)
        rmse, deviation = float(np.sqrt(squares[i]) * unit[place.start]), float(deviations[place.start])
        ratio, name = time_unit(variable, deviation) if isinstance(variable, Date) else (1.0, "")
        numbers.append(
            VariableNumbers(
                name=variable.text,
                kind=variable.kind,
                levels=list(map(str, variable.values)) if isinstance(variable, Category) else [],
                error=finite(float(shares[i])),
                rmse=finite(ratio * rmse) if is_number else None,
                deviation=finite(ratio * deviation) if is_number else None,
                unit=name,
                right=finite(float(right[i])),
                most_frequent=finite(float(most_frequent[i])),
            )
        )
    return numbers


def time_unit(variable: Date, deviation: float) -> tuple[float, str]:
    """Return how many of a unit a date's step is, and the unit: the longest that is not above the deviation."""
    length = next((length for length in STEPS if length <= deviation * variable.step), variable.step)
    return variable.step / max(length, variable.step), STEPS[max(length, variable.step)]


def cells(schema: Variables, rows: NDArray[Any], *, predicted: bool = False) -> list[list[Cell]]:
    """Return encoded rows [R, D] as cells [R][V].

    Parameters
    ----------
    schema : Variables
        The table's variables.
    rows : array [R, D]
        Encoded rows; of booleans and categories 0 and 1, or probabilities.
    predicted : bool, default=False
        Whether a network predicted them: each boolean and level then has its probability.

    Returns
    -------
    list of list of Cell
        Integers and dates rounded, the most probable levels.
    """
    rows = np.asarray(rows, np.float64)
    places = zip(schema.variables, schema.positions, strict=True)
    columns = [_column(variable, rows[:, place], predicted) for variable, place in places]
    return [list(row) for row in zip(*columns, strict=True)]


def _column(variable: AnyVariable, block: NDArray[np.float64], predicted: bool) -> list[Cell]:
    values = values_of(variable, block)
    if variable.level == 0:
        return [Cell(value) for value in values]
    levels = block if variable.level > 1 else np.hstack([block, 1 - block])
    are_probabilities = (levels >= -EXACT).all(1) & (np.abs(levels.sum(1) - 1) < EXACT)
    shares = levels.max(1)
    shown = are_probabilities & (predicted | (shares < 1 - EXACT))
    new = (block == 0).all(1) & (variable.level > 1)
    return [
        Cell(None, new=True) if is_new else Cell(value, float(share) if has_share and value is not None else None)
        for value, share, has_share, is_new in zip(values, shares, shown, new, strict=True)
    ]


def values_of(variable: AnyVariable, block: NDArray[np.float64]) -> list[Any]:
    """Return the cells' values: numbers as they are, others as text, None where missing."""
    decoded = variable.decode(block, variable.dtype)
    if decoded.codes is not None:
        texts = [*map(str, decoded.distinct), None]
        return [texts[code] for code in decoded.codes]
    if isinstance(variable, Date) and not decoded.is_text:
        return [None if text is None else _shortened(text, variable) for text in _time_texts(decoded.values)]
    values = decoded.values.to_pylist()
    if variable.level == 0 and not decoded.is_text:
        return [float(value) if isinstance(value, Decimal) else value for value in values]
    return [None if value is None else str(value) for value in values]


def _time_texts(values: Any) -> list[str | None]:
    """Return dates, times or durations as text."""
    from pyarrow import duration, string, types

    if types.is_duration(values.type):
        return [None if value is None else str(value) for value in values.cast(duration("us"), safe=False).to_pylist()]
    texts: list[str | None] = values.cast(string()).to_pylist()
    return texts


def _shortened(text: str, variable: Date) -> str:
    """Return the text of a date without a time that all have, and without zeros of a second."""
    if variable.family == "date" and STEPS[variable.step] == "days":
        return text.split(" ")[0]
    return text.rstrip("0").rstrip(".") if "." in text else text
