"""A date, a time of day or a duration: one number, which can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ...core.messages import quoted
from .casts import whole_numbers
from .cells import Cells, Dtype
from .values import pack, unpack
from .variable import Variable
from .written_dates import FORMS, FULL, form_of, is_form, read, why_no_form, write

if TYPE_CHECKING:
    import pyarrow as pa

UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}  # in nanoseconds
DAY = 86_400 * 10**9
STEPS = (DAY, 3_600 * 10**9, 60 * 10**9, *UNITS.values())
STEP_NAMES = dict(
    zip(STEPS, ("day", "hour", "minute", "second", "millisecond", "microsecond", "nanosecond"), strict=True)
)
_INT64 = 2**63
_PYTHON = (-62_135_596_800, 253_402_300_799)  # seconds of the years 1 and 9999, the range of Python's dates


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
    family : {"date", "time", "duration"}
        What the column holds.
    written : str or None
        The form of dates that are written as text; see `written_dates`. None for other columns.
    """

    offset: Any
    step: int
    family: Literal["date", "time", "duration"]
    written: str | None = None

    kind = "date"
    words = ("date", "dates")

    def __post_init__(self) -> None:
        Variable.__post_init__(self)
        if type(unpack(self.offset)) is not int or self.step not in STEPS:
            raise ValueError(f"a date of offset {self.offset!r} and step {self.step!r} is not possible")
        if self.written is not None and not is_form(self.written):
            raise ValueError(f"{self.written!r} is not a form of dates")

    @classmethod
    def decide(cls, label: Any, cells: Cells) -> Self:
        """Return the variable of a column's cells; raise DataError where they are not dates."""
        texts = cells.coded()[1] if cells.is_text else []
        written = form_of(texts)
        if written is None and (reason := why_no_form(texts)):
            raise DataError(f"column {quoted(cells.name)}: {reason}; write all in one form, as 2020-01-31")
        ticks, known, unit = _ticks(cells, written)
        first = int(ticks[known].min()) if known.any() else 0
        # unsigned: the difference of two int64 may be larger than 2⁶³
        since = ticks[known].astype(np.uint64) - np.uint64(first % 2**64)
        step = next(step for step in STEPS if step <= unit or not (since % np.uint64(step // unit)).any())
        family: Any = _family(cells)
        return cls(
            name=pack(label),
            dtype=cells.dtype,
            offset=pack(first * unit),
            step=step,
            family=family,
            written=written,
        )

    def encoding(self) -> list[dict[str, Any]]:
        """Return what the encoded column holds; see `Variables.encoding`."""
        name = STEP_NAMES[self.step]
        return [{"value": f"({self.family} - offset) / step", "offset": self._offset_text(), "step": f"1 {name}"}]

    def _offset_text(self) -> str:
        """Return the first date in ISO 8601, the first time of day, or the first duration in nanoseconds."""
        offset = unpack(self.offset)
        if self.family == "duration":
            return f"{offset} nanoseconds"
        days, rest = divmod(offset, DAY)
        seconds, nanoseconds = divmod(rest, UNITS["s"])
        time = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        time += f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
        return time if self.family == "time" else f"{np.datetime64(days, 'D')}" + (f"T{time}" if rest else "")

    def encode(self, cells: Cells) -> NDArray[np.float64]:
        """Return the number of steps since the first date [N], NaN where missing."""
        if _family(cells) not in ("", self.family):
            cells.refuse(cells.known(), f"not a {self.family}")
        written = self.written if self.written or not cells.is_text else form_of(cells.coded()[1])
        ticks, known, unit = _ticks(cells, written)
        offset, rest = divmod(unpack(self.offset), unit)
        low, high = (int(ticks[known].min()), int(ticks[known].max())) if known.any() else (0, 0)
        exact = abs(offset) < _INT64 and max(abs(low - offset), abs(high - offset)) < _INT64
        since = (ticks - offset).astype(np.float64) if exact else ticks.astype(np.float64) - float(offset)
        steps = since / (self.step // unit) if self.step >= unit else since * (unit // self.step)
        return np.where(known, steps - rest / self.step, np.nan)

    def decode(self, block: NDArray[np.float64], dtype: Dtype) -> Cells:
        """Return dates, each at a whole number of steps since the first one, in the column's type."""
        import pyarrow as pa
        from pyarrow import types

        own = dtype.arrow_type()
        kind = own if own is not None and types.is_temporal(own) else pa.timestamp("us")
        unit, offset = _unit(kind), unpack(self.offset)
        low, high = _range(kind)
        if self.family == "date" and (kind is not own or dtype.text == "object" or types.is_date(kind)):
            first, last = (seconds * UNITS["s"] // unit for seconds in _PYTHON)
            low, high = max(low, first), min(high, last)
        missing = np.isnan(block[:, 0])
        bounds = -((offset - low * unit) // self.step), (high * unit - offset) // self.step
        steps = whole_numbers(np.rint(block[:, 0]), missing, *bounds)
        ratio, first = self.step // unit, offset // unit
        if steps.dtype == object or self.step % unit or offset % unit or abs(first) >= _INT64:
            ticks = (steps.astype(object) * self.step + offset) // unit
        else:
            ticks = steps * ratio + first  # an overflow of the product is undone by the sum
        storage = pa.int32() if kind.bit_width == 32 else pa.int64()
        whole = np.where(missing, 0, ticks).astype(storage.to_pandas_dtype())
        dates = pa.array(whole, storage, mask=missing).cast(kind)
        return Cells(self.text, dtype, dates if kind is own else write(dates, self.written or FULL))

    def fits(self, cells: Cells) -> bool:
        """Return whether a column of the type of these cells can hold the dates."""
        return _family(cells) == self.family and (self.written is not None or not cells.is_text)


def _family(cells: Cells) -> str:
    """Return "date", also for text, "time" or "duration"; "" for other cells."""
    from pyarrow import types

    kind = cells.type
    if kind is None:
        return ""
    if cells.is_text or types.is_date(kind) or types.is_timestamp(kind):
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


def _ticks(cells: Cells, form: str | None) -> tuple[NDArray[np.int64], NDArray[np.bool_], int]:
    """Return the integers that dates are stored as (0 where missing), which are known, and their unit in ns."""
    import pyarrow as pa

    known, values = cells.known(), cells.values
    if cells.is_text:
        values = read(values.cast(pa.large_string()), form)
        bad = known & ~values.is_valid().to_numpy(zero_copy_only=False)
        like = "2020-01-31 or 2020-01-31 23:59:59" if form in (None, *FORMS) else f"{form}"
        cells.refuse(bad, f"not a date as {like}", "convert the column to dates")
    elif not _family(cells):
        cells.refuse(known, "not a date", "convert the column to dates")
        return np.zeros(len(cells), np.int64), known, DAY
    storage = pa.int32() if values.type.bit_width == 32 else pa.int64()
    ticks = values.cast(storage).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return ticks, known, _unit(values.type)
