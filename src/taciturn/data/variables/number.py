"""A number: one column, as it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Self

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from .casts import as_type
from .cells import Cells, Dtype
from .values import pack
from .variable import Variable

MAX_DECIMALS = 400


class Number(Variable, frozen=True, kw_only=True, tag="number"):
    """A column of real numbers: floats, decimals, or text in which all known cells are numbers.

    Parameters
    ----------
    decimals : int or None
        Text is written with so many decimals; None: with as many as the number has.
    padded : bool
        Whether text has all of these decimals ("1.50"), or only those that are not 0 ("1.5").
    """

    decimals: Annotated[int, Meta(ge=0, le=MAX_DECIMALS)] | None = None
    padded: bool = False

    kind = "number"
    words = ("number", "numbers")

    @classmethod
    def decide(cls, label: Any, cells: Cells) -> Self:
        """Return the variable of a column's cells; raise DataError where they are not numbers."""
        cells.numbers()
        decimals, padded = _written(cells) if cells.is_text else (None, False)
        return cls(name=pack(label), dtype=cells.dtype, decimals=decimals, padded=padded)

    def encode(self, cells: Cells) -> NDArray[np.float64]:
        """Return the numbers [N], NaN where missing."""
        return cells.numbers()

    def decode(self, block: NDArray[np.float64], dtype: Dtype) -> Cells:
        """Return numbers in the column's type."""
        import pyarrow as pa

        values = as_type(block[:, 0], dtype.arrow_type() or pa.float64(), decimals=self.decimals, padded=self.padded)
        return Cells(self.text, dtype, values)

    def fits(self, cells: Cells) -> bool:
        """Return whether a column of the type of these cells can hold real numbers."""
        from pyarrow import types

        kind = cells.type
        return kind is not None and (
            types.is_floating(kind) or types.is_decimal(kind) or (cells.is_text and self.decimals is not None)
        )


def _written(cells: Cells) -> tuple[int | None, bool]:
    """Return with how many decimals numbers are written as text, and whether all have so many."""
    _, distinct = cells.coded()
    texts = [text.strip() for text in distinct]
    if any("e" in text.lower() for text in texts):
        return None, False
    counts = {max(-int(Decimal(text).as_tuple().exponent), 0) for text in texts}
    decimals = max(counts, default=0)
    if decimals > MAX_DECIMALS:
        return None, False
    return decimals, len(counts) == 1 and decimals > 0
