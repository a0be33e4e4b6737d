"""Numbers as Arrow arrays of a given type: rounded, clipped to the type's range, written as text."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

EXACT = 2**53  # float64 holds all whole numbers up to it


def as_type(numbers: NDArray[Any], kind: pa.DataType, *, decimals: int | None = None, padded: bool = False) -> pa.Array:
    """Return numbers as an Arrow array.

    Parameters
    ----------
    numbers : array [N]
        float64, NaN where missing; or Python's integers as objects, None where missing.
    kind : pyarrow.DataType
        Floats, clipped to the type's range; integers, into which numbers are rounded and clipped; booleans (0.5 or
        more is True); decimals, rounded and clipped; or text.
    decimals : int, optional
        Text is rounded to so many decimals; by default not at all.
    padded : bool
        Whether text has all of these decimals: "1.50".

    Returns
    -------
    pyarrow.Array [N]

    Examples
    --------
    >>> import pyarrow
    >>> as_type(np.array([1.4, 300.0, np.nan]), pyarrow.uint8()).to_pylist()
    [1, 255, None]
    >>> as_type(np.array([0.5]), pyarrow.string(), decimals=2, padded=True).to_pylist()
    ['0.50']
    """
    import pyarrow as pa
    from pyarrow import types

    missing = np.array([number is None for number in numbers]) if numbers.dtype == object else np.isnan(numbers)
    if types.is_floating(kind):
        dtype: Any = kind.to_pandas_dtype()
        floats, largest = numbers.astype(np.float64), float(np.finfo(dtype).max)
        floats = np.where(np.isinf(floats), floats, np.clip(floats, -largest, largest))
        return pa.array(floats.astype(dtype), kind, mask=missing)
    if types.is_boolean(kind):
        return pa.array(np.where(missing, 0, numbers).astype(np.float64) >= 0.5, kind, mask=missing)
    if types.is_integer(kind):
        bounds = np.iinfo(kind.to_pandas_dtype())
        whole = whole_numbers(numbers, missing, int(bounds.min), int(bounds.max))
        return pa.array(whole.astype(kind.to_pandas_dtype()), kind, mask=missing)
    cells: list[Any] = [None if gone else number for gone, number in zip(missing, numbers.tolist(), strict=True)]
    if types.is_decimal(kind):
        return pa.array([None if cell is None else _decimal(cell, kind) for cell in cells], kind)
    return pa.array([None if cell is None else _text(cell, decimals, padded) for cell in cells], kind)


def whole_numbers(numbers: NDArray[Any], missing: NDArray[np.bool_], low: int, high: int) -> NDArray[Any]:
    """Return numbers rounded and clipped to low … high as int64, or as Python's integers where they may be larger.

    Examples
    --------
    >>> whole_numbers(np.array([2.6, -9.0]), np.array([False, False]), 0, 255)
    array([3, 0])
    """
    if numbers.dtype != object:
        rounded = np.rint(np.where(missing, 0, numbers))
        if max(abs(low), abs(high)) < EXACT or (np.abs(rounded) < EXACT).all():
            clipped: NDArray[Any] = np.clip(rounded, max(low, -EXACT), min(high, EXACT)).astype(np.int64)
            return clipped
        numbers = np.clip(rounded, -(2.0**100), 2.0**100).astype(object)
    return np.array(
        [0 if gone else min(max(int(number), low), high) for gone, number in zip(missing, numbers, strict=True)], object
    )


def _decimal(number: float | int, kind: pa.DataType) -> Decimal:
    """Return a number rounded to the type's scale and clipped to its precision."""
    largest = 10**kind.precision - 1
    scaled = round(Decimal(number).scaleb(kind.scale)) if np.isfinite(number) else largest if number > 0 else -largest
    sign, digits = int(scaled < 0), abs(max(min(scaled, largest), -largest))
    return Decimal((sign, tuple(map(int, str(digits))), -kind.scale))


def _text(number: float | int, decimals: int | None, padded: bool) -> str:
    """Return a number as text, the shortest that is the number, or with a given number of decimals."""
    if decimals is None:
        return repr(number)
    fixed = f"{number:.{decimals}f}"
    return fixed if padded or decimals == 0 else fixed.rstrip("0").rstrip(".")
