"""The variables of imputed rows: their values, levels and probabilities in place of encoded columns."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...data.variables import Variables
from ...data.variables.boolean import Boolean
from ...data.variables.category import Category
from ...data.variables.date import Date
from ...data.variables.variables import AnyVariable
from .variables import time_unit, values_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImputedColumn:
    """A variable of encoded rows [..., D]; each method takes its columns [..., width].

    Parameters
    ----------
    name : str
        Its name; "column 3" where columns have none.
    kind : {"number", "integer", "boolean", "category", "date"}
        What it is.
    place : slice
        Its columns in encoded rows.
    variable : Variable or None
        None: a plain column of numbers.
    levels : list of str
        The values of a boolean (False first) or of a category; else [].
    """

    name: str
    kind: str
    place: slice
    variable: AnyVariable | None = None
    levels: list[str] = field(default_factory=list)

    def values(self, block: Floats) -> Floats:
        """Return the values [...]: numbers, whole ones rounded; of levels their number, NaN where missing or new."""
        if not self.levels:
            numbers: Floats = block[..., 0]
            return numbers if self.kind == "number" else np.rint(numbers)
        if self.kind == "boolean":
            return np.where(np.isnan(block[..., 0]), np.nan, block[..., 0] >= 0.5)
        unknown = np.isnan(block).any(-1) | (block == 0).all(-1)
        return np.where(unknown, np.nan, np.where(np.isnan(block), 0, block).argmax(-1))

    def shares(self, block: Floats) -> Floats:
        """Return the probability of each level [..., K], of what a model expects."""
        if self.kind == "boolean":
            yes = block[..., 0].clip(0, 1)
            return np.stack([1 - yes, yes], -1)
        shares = block.clip(0, None)
        total = shares.sum(-1, keepdims=True)
        equal: Floats = np.full(shares.shape, 1 / block.shape[-1])
        np.divide(shares, total, out=equal, where=total > 0)
        return equal

    def shown(self, values: Floats) -> list[str | float]:
        """Return values [n], as `values` returns them, in words of the table: numbers as numbers, others as text."""
        if self.levels:
            return [self.levels[int(level)] for level in values]
        if self.variable is None:
            return [int(value) if self.kind == "integer" else float(value) for value in values]
        return values_of(self.variable, values[:, None])

    def unit(self, deviation: float) -> tuple[float, str]:
        """Return how many of a unit a step of the values is, and the unit: (1, "") unless they are dates."""
        return time_unit(self.variable, deviation) if isinstance(self.variable, Date) else (1.0, "")


def imputed_columns(schema: Variables | None, names: list[str] | None, whole: NDArray[np.bool_]) -> list[ImputedColumn]:
    """Return the variables of rows.

    Parameters
    ----------
    schema : Variables or None
        Those of a table.
    names : list of str [D] or None
        The names of plain columns.
    whole : array [D] of bool
        Which plain columns hold whole numbers.
    """
    if schema is not None:
        pairs = zip(schema.variables, schema.positions, strict=True)
        return [ImputedColumn(each.text, each.kind, place, each, _levels(each)) for each, place in pairs]
    names = [f"column {j}" for j in range(len(whole))] if names is None else names
    kinds = np.where(whole, "integer", "number").tolist()
    return [ImputedColumn(*pair, slice(j, j + 1)) for j, pair in enumerate(zip(names, kinds, strict=True))]


def _levels(variable: AnyVariable) -> list[str]:
    if isinstance(variable, Boolean):
        return list(map(str, values_of(variable, np.array([[0.0], [1.0]]))))
    return list(map(str, variable.values)) if isinstance(variable, Category) else []
