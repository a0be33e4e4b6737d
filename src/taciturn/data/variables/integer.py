"""An integer: one column, which comes back rounded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .casts import EXACT, as_type
from .cells import Cells, Dtype
from .number import Number
from .values import pack, unpack
from .variable import Variable


class Integer(Number, frozen=True, kw_only=True, tag="integer"):
    """A column of integers, or of whole numbers in another type if `variables` sets it so.

    Parameters
    ----------
    offset : int or dict
        The number that is encoded as 0, as `values.pack` writes it. The smallest one where some integers are 2⁵³ or
        more, so that float64 holds them exactly if their range is smaller; else 0.
    """

    offset: Any = 0

    kind = "integer"
    words = ("integer", "integers")

    def __post_init__(self) -> None:
        Variable.__post_init__(self)
        if type(unpack(self.offset)) is not int:
            raise ValueError(f"offset {self.offset!r} is not an integer")

    @classmethod
    def decide(cls, label: Any, cells: Cells) -> Self:
        """Return the variable of a column's cells; raise DataError where they are not whole numbers."""
        numbers = cells.numbers()
        with np.errstate(invalid="ignore"):
            cells.refuse(~np.isnan(numbers) & (np.rint(numbers) != numbers) | np.isinf(numbers), "not a whole number")
        offset = 0
        if np.abs(numbers, where=~np.isnan(numbers), out=np.zeros_like(numbers)).max(initial=0) >= EXACT:
            offset = int(min(value for value in _exact(cells) if value is not None))
        return cls(name=pack(label), dtype=cells.dtype, decimals=0, offset=pack(offset))

    def encoding(self) -> list[dict[str, Any]]:
        """Return what the encoded column holds; see `Variables.encoding`."""
        if not (offset := unpack(self.offset)):
            return super().encoding()
        return [{"value": "number - offset", "offset": str(offset)}]

    def encode(self, cells: Cells) -> NDArray[np.float64]:
        """Return the numbers [N] minus the offset, NaN where missing."""
        numbers, offset = cells.numbers(), unpack(self.offset)
        if not offset:
            return numbers
        return np.array([np.nan if value is None else float(value - offset) for value in _exact(cells)], np.float64)

    def decode(self, block: NDArray[np.float64], dtype: Dtype) -> Cells:
        """Return numbers plus the offset, rounded and clipped to the range of the column's type."""
        import pyarrow as pa

        numbers: NDArray[Any] = np.rint(block[:, 0])
        if offset := unpack(self.offset):
            bounded = np.clip(numbers, -(2.0**100), 2.0**100)
            numbers = np.array([None if np.isnan(number) else int(number) + offset for number in bounded], object)
        return Cells(self.text, dtype, as_type(numbers, dtype.arrow_type() or pa.float64(), decimals=0))

    def fits(self, cells: Cells) -> bool:
        """Return whether a column of the type of these cells can hold integers."""
        from pyarrow import types

        kind = cells.type
        return Number.fits(self, cells) or (kind is not None and (types.is_integer(kind) or types.is_boolean(kind)))


def _exact(cells: Cells) -> list[int | float | None]:
    """Return whole numbers as Python's integers, others as floats, None where missing."""
    codes, distinct = cells.coded()
    values: list[int | float | None] = []
    for number in map(Decimal, distinct):
        whole = number.is_finite() and number == number.to_integral_value()
        values.append(int(number) if whole else float(number))
    values.append(None)
    return [values[code] for code in codes]
