"""Columns of Python objects as cells."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ...core.errors import DataError
from ...core.messages import one_line, quoted
from .cells import Cells, Dtype, refuse_type
from .values import family, key

if TYPE_CHECKING:
    import pyarrow as pa


def from_objects(name: str, dtype: Dtype, objects: Iterable[Any]) -> Cells:
    """Return the cells of a column of Python objects, None where missing.

    Objects of one Arrow type become its values. Others are counted by their distinct values.

    Raises
    ------
    DataError
        Objects are lists, dicts or something else that is not one value.
    """
    import pyarrow as pa

    cells = [None if _is_missing(cell) else cell for cell in objects]
    examples = {type(cell): cell for cell in cells if cell is not None}
    families = {family(example) for example in examples.values()}
    array = None
    try:
        if len(families) < 2:  # Arrow would take 1.5 beside True for a number, and b"a" beside "a" for bytes
            array = pa.array(cells, _arrow_type(cells, {kind.__name__ for kind in examples}), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        array = _as_floats(cells) if families == {"number"} else None
    if array is not None:
        array = _widest(array)
        refuse_type(name, array.type, " and ".join(sorted({kind.__name__ for kind in examples})))
        return Cells(name, msgspec.structs.replace(dtype, arrow=str(array.type)), array)
    positions: dict[Any, int] = {}
    try:
        codes = [-1 if cell is None else positions.setdefault(key(cell), len(positions)) for cell in cells]
    except TypeError as error:
        raise DataError(f"column {quoted(name)}: {one_line(error)}; drop it") from error
    return Cells(name, dtype, None, np.array(codes, np.int64), [value for _, value in positions])


def _is_missing(cell: Any) -> bool:
    """Return whether an object is None, NaN (which is not equal to itself) or NA (whose equality is unknown)."""
    if cell is None or type(cell).__name__ == "NAType":
        return True
    try:
        return bool(cell != cell)
    except (TypeError, ValueError, ArithmeticError):  # an array; a signalling NaN of Decimal
        return isinstance(cell, Decimal)


def _arrow_type(cells: list[Any], kinds: set[str]) -> pa.DataType | None:
    """Return the type of times in nanoseconds, which Arrow would cut; None for objects whose type Arrow infers."""
    import pyarrow as pa

    if "Timedelta" in kinds:
        return pa.duration("ns")
    if "Timestamp" not in kinds:
        return None
    zones = {str(cell.tzinfo) for cell in cells if cell is not None}
    if len(zones) > 1:
        raise ValueError("times of several zones")
    zone = zones.pop()
    return pa.timestamp("ns", None if zone == "None" else zone)


def _as_floats(cells: list[Any]) -> pa.Array | None:
    """Return numbers of several types, or integers of more than 64 bits, as float64; None if they do not fit."""
    import pyarrow as pa

    try:
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    except (TypeError, ValueError, OverflowError):  # complex, or larger than any float
        return None


def _widest(array: pa.Array) -> pa.Array:
    """Return decimals in the type of their scale and of most digits, or as float64; other values as they are."""
    import pyarrow as pa

    if not pa.types.is_decimal(array.type):
        return array
    for kind, precision in ((pa.decimal128, 38), (pa.decimal256, 76)):
        if array.type.scale <= precision:
            try:
                return array.cast(kind(precision, array.type.scale))
            except pa.ArrowInvalid:  # more digits before the point
                continue
    return array.cast(pa.float64(), safe=False)
