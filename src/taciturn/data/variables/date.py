"""A date, a time of day or a duration: one number, which can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from .casts import whole_numbers
from .cells import Cells, Dtype
from .values import pack, unpack
from .variable import Variable

if TYPE_CHECKING:
    import pyarrow as pa

UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}  # in nanoseconds
DAY = 86_400 * 10**9
STEPS = (DAY, 3_600 * 10**9, 60 * 10**9, *UNITS.values())
_INT64 = 2**63


class Date(Variable, frozen=True, kw_only=True, tag="date"):
    """A column of dates with or without a time, of times of day, or of durations.

    A cell's number is (time - offset) / step. The step is the longest of a day, an hour, a minute, a second, a
    millisecond, a microsecond and a nanosecond of which all differences are multiples. So float64 holds every time
    exactly if the dates' range is shorter than 2⁵³ steps: 104 days in nanoseconds, 285 years in microseconds.

    Parameters
    ----------
    offset : int or dict
        The first date, in nanoseconds since 1970, as `values.pack` writes it.
    step : int
        Nanoseconds of one step.
    """

    offset: Any
    step: int

    kind = "date"
    plural = "dates"

    def __post_init__(self) -> None:
        Variable.__post_init__(self)
        if type(unpack(self.offset)) is not int or self.step not in STEPS:
            raise ValueError(f"a date of offset {self.offset!r} and step {self.step!r} is not possible")

    @classmethod
    def decide(cls, label: Any, cells: Cells) -> Self:
        """Return the variable of a column's cells; raise DataError where they are not dates."""
        ticks, known, unit = _ticks(cells)
        different = np.unique(ticks[known])
        first = int(different[0]) if len(different) else 0
        # unsigned: the difference of two int64 may be larger than 2⁶³
        since = different.astype(np.uint64) - np.uint64(first % 2**64)
        step = next(step for step in STEPS if step <= unit or not (since % np.uint64(step // unit)).any())
        return cls(name=pack(label), dtype=cells.dtype, offset=pack(first * unit), step=step)

    def encode(self, cells: Cells) -> NDArray[np.float64]:
        """Return the number of steps since the first date [N], NaN where missing."""
        ticks, known, unit = _ticks(cells)
        offset, rest = divmod(unpack(self.offset), unit)
        low, high = (int(ticks[known].min()), int(ticks[known].max())) if known.any() else (0, 0)
        exact = abs(offset) < _INT64 and max(abs(low - offset), abs(high - offset)) < _INT64
        since = (ticks - offset).astype(np.float64) if exact else ticks.astype(np.float64) - float(offset)
        steps = since / (self.step // unit) if self.step >= unit else since * (unit // self.step)
        return np.where(known, steps - rest / self.step, np.nan)

    def decode(self, block: NDArray[np.float64], dtype: Dtype) -> Cells:
        """Return dates, each at a whole number of steps since the first one, in the column's type."""
        import pyarrow as pa

        kind = dtype.arrow_type() or pa.timestamp("ns")
        unit, (low, high) = _unit(kind), _range(kind)
        offset = unpack(self.offset)
        missing = np.isnan(block[:, 0])
        steps = np.rint(block[:, 0])
        if self.step % unit == 0 and offset % unit == 0:
            ratio, first = self.step // unit, offset // unit
            bounds = -(-(low - first) // ratio), (high - first) // ratio
            ticks = whole_numbers(steps, missing, *bounds) * ratio + first
        else:
            numbers = [0 if gone else int(step) for gone, step in zip(missing, steps, strict=True)]
            ticks = np.array([min(max((n * self.step + offset) // unit, low), high) for n in numbers], object)
        storage = pa.int32() if kind.bit_width == 32 else pa.int64()
        whole = np.where(missing, 0, ticks).astype(storage.to_pandas_dtype())
        return Cells(self.text, dtype, pa.array(whole, storage, mask=missing).cast(kind))

    def fits(self, cells: Cells) -> bool:
        """Return whether a column of the type of these cells can hold the dates."""
        own, other = self.dtype.arrow_type(), cells.type
        return own is not None and other is not None and _family(own) == _family(other)

    def description(self) -> str:
        """Return the step."""
        names = dict(zip(STEPS, ("days", "hours", "minutes", "seconds", "ms", "µs", "ns"), strict=True))
        return f"in {names[self.step]}"


def is_time(kind: pa.DataType) -> bool:
    """Return whether values of an Arrow type are dates, times of day or durations."""
    return _family(kind) != ""


def _family(kind: pa.DataType) -> str:
    """Return "date", "time" or "duration"; "" for other types."""
    from pyarrow import types

    if types.is_date(kind) or types.is_timestamp(kind):
        return "date"
    return "time" if types.is_time(kind) else "duration" if types.is_duration(kind) else ""


def _unit(kind: pa.DataType) -> int:
    """Return the nanoseconds of the integers that an Arrow type stores."""
    from pyarrow import types

    if types.is_date32(kind):
        return DAY
    return UNITS["ms" if types.is_date64(kind) else kind.unit]


def _range(kind: pa.DataType) -> tuple[int, int]:
    """Return the smallest and the largest integer of an Arrow type of dates; the smallest of all is NumPy's NaT."""
    from pyarrow import types

    if types.is_time(kind):
        return 0, DAY // _unit(kind) - 1
    return (-(2**31), 2**31 - 1) if types.is_date32(kind) else (1 - _INT64, _INT64 - 1)


def _ticks(cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.bool_], int]:
    """Return the integers that dates are stored as (0 where missing), which are known, and their unit in ns."""
    import pyarrow as pa

    known = cells.known()
    if cells.type is None or not is_time(cells.type):
        cells.refuse(known, "not a date")
        return np.zeros(len(cells), np.int64), known, DAY
    storage = pa.int32() if cells.type.bit_width == 32 else pa.int64()
    ticks = cells.values.cast(storage).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return ticks, known, _unit(cells.type)
