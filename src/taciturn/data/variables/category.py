"""A category: one column of 0 and 1 per level, whose predictions are the levels' probabilities."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Self

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ...core.errors import DataError
from ...core.messages import listed, quoted
from .cells import Cells, Dtype
from .values import FAMILIES, family, key, pack, unpack
from .variable import Variable


class Category(Variable, frozen=True, kw_only=True, tag="category"):
    """A column of one of K levels.

    A missing cell is NaN in all K columns, another level than these is 0 in all. A category of one level is one
    column of 1, and counts as a number.

    Parameters
    ----------
    levels : tuple
        The levels that occurred, as `values.pack` writes them: in the order of a categorical type's categories, else
        sorted.
    """

    levels: Annotated[tuple[Any, ...], Meta(min_length=1)]

    kind = "category"
    words = ("category", "categories")

    def __post_init__(self) -> None:
        Variable.__post_init__(self)
        if len({key(value) for value in self.values}) < len(self.levels):
            raise ValueError("two levels are equal")

    @classmethod
    def decide(cls, label: Any, cells: Cells) -> Self:
        """Return the variable of a column's cells."""
        codes, distinct = cells.coded()
        present = np.bincount(codes[codes >= 0], minlength=len(distinct)) > 0
        occurring = [value for value, occurs in zip(distinct, present, strict=True) if occurs]
        try:
            levels = list({key(value): pack(value) for value in occurring}.values())  # 0.0 and -0.0 are one
        except TypeError as error:
            raise DataError(f"column {quoted(cells.name)} holds {error}; convert them to text, or drop it") from error
        if cells.dtype.categories is None:
            levels.sort(key=lambda level: _order(unpack(level)))
        return cls(name=pack(label), dtype=cells.dtype, levels=tuple(levels))

    @property
    def values(self) -> list[Any]:
        """The levels as Python values."""
        return [unpack(level) for level in self.levels]

    @property
    def level(self) -> int:
        """The number K of levels; 0 if there is only one."""
        return len(self.levels) if len(self.levels) > 1 else 0

    @property
    def width(self) -> int:
        """The number K of levels."""
        return len(self.levels)

    def names(self) -> list[str]:
        """Return "colour=red", …; levels that are written alike are shown in their Python form."""
        values = self.values
        alike = Counter(map(str, values))
        return [f"{self.text}={value if alike[str(value)] == 1 else repr(value)}" for value in values]

    def encoding(self) -> list[dict[str, Any]]:
        """Return what the encoded columns hold; see `Variables.encoding`."""
        return [{"level": level, "value": "1 at this level, else 0", "unseen": 0} for level in self.levels]

    def encode(self, cells: Cells) -> NDArray[np.int64]:
        """Return the number of each cell's level [N]; -1 where missing, K for another level than these.

        Raises
        ------
        DataError
            The cells are of another type than the levels, such as numbers where the levels are text.
        """
        codes, distinct = cells.coded()
        values = self.values
        numbers = {key(value): number for number, value in enumerate(values)}
        families = {family(value) for value in values}
        alien = np.array([family(value) not in families for value in distinct] + [False])
        if alien[codes].any():
            row = int(np.argmax(alien[codes]))
            own, other = (FAMILIES.get(name, name) for name in (min(families), family(distinct[codes[row]])))
            raise DataError(
                f"column {quoted(cells.name)}: row {row} holds {quoted(distinct[codes[row]])} (rows count from 0), but "
                f"the column's levels are {own}, not {other}; convert the column"
            )
        table = np.array([numbers.get(key(value), len(values)) for value in distinct] + [-1], np.int64)
        return table[codes]

    def decode(self, block: NDArray[np.float64], dtype: Dtype) -> Cells:
        """Return the level of the largest probability in each row; missing where these are NaN."""
        missing = np.isnan(block).any(axis=1)
        codes = np.where(missing, -1, np.where(np.isnan(block), -np.inf, block).argmax(axis=1))
        return Cells(self.text, dtype, None, codes.astype(np.int64), self.values)

    def fits(self, cells: Cells) -> bool:
        """Return whether a column of the type of these cells can hold the levels."""
        if cells.dtype.categories is not None:
            return {key(value) for value in self.values} <= {key(unpack(each)) for each in cells.dtype.categories}
        families = {family(value) for value in self.values}
        return {family(value) for value in cells.coded()[1]} <= families

    def description(self) -> str:
        """Return the number of levels and the first ones."""
        shown = listed(self.values, most=3)
        return f"category of {len(self.levels):,} level{'s' if len(self.levels) > 1 else ''}: {shown}"


def _order(value: Any) -> tuple[str, Any]:
    """Return what levels are sorted by: the type, then the value."""
    return (family(value), str(value) if family(value) in ("datetime", "time", "tuple") else value)
