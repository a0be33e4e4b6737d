"""A boolean: one column of 0 and 1, whose prediction is the probability of True."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .casts import as_type
from .cells import Cells, Dtype
from .values import pack
from .variable import Variable


class Boolean(Variable, frozen=True, kw_only=True, tag="boolean"):
    """A column of True and False, or of 0 and 1 if `variables` sets it so."""

    kind = "boolean"
    words = ("boolean", "booleans")

    @classmethod
    def decide(cls, label: Any, cells: Cells) -> Self:
        """Return the variable of a column's cells; raise DataError where they are neither 0 nor 1."""
        variable = cls(name=pack(label), dtype=cells.dtype)
        variable.encode(cells)
        return variable

    @property
    def level(self) -> int:
        """1: a boolean."""
        return 1

    def encoding(self) -> list[dict[str, Any]]:
        """Return what the encoded column holds; see `Variables.encoding`."""
        return [{"value": "1 for True, 0 for False"}]

    def encode(self, cells: Cells) -> NDArray[np.float64]:
        """Return 1 for True and 0 for False [N], NaN where missing."""
        numbers = cells.numbers()
        cells.refuse((numbers != 0) & (numbers != 1) & ~np.isnan(numbers), "neither True or 1 nor False or 0")
        return numbers

    def decode(self, block: NDArray[np.float64], dtype: Dtype) -> Cells:
        """Return True where the probability is 0.5 or more, in the column's type."""
        import pyarrow as pa

        yes = np.where(np.isnan(block[:, 0]), np.nan, block[:, 0] >= 0.5)
        return Cells(self.text, dtype, as_type(yes, dtype.arrow_type() or pa.bool_(), decimals=0))
