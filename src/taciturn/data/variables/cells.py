"""One column of a table in the inner form: Arrow values, or numbers of distinct Python values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...core.errors import ArtifactError, DataError
from ...core.messages import one_line, quoted
from .values import family, key, pack

if TYPE_CHECKING:
    import pyarrow as pa

# pyarrow is imported inside the functions: it is slow to load, and `--help` does not need it.

NUMBER = r"^\s*[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*$"
_ZONED = re.compile(r"timestamp\[(s|ms|us|ns), tz=(.+)\]")
_DECIMAL = re.compile(r"decimal(32|64|128|256)\((\d+), (-?\d+)\)")
_FIXED = re.compile(r"fixed_size_binary\[(\d+)\]")


class Dtype(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The type of a column, as its library and as Arrow write it.

    Parameters
    ----------
    text : str
        The library's text of it: "int64", "category", "Datetime(time_unit='us', time_zone=None)".
    arrow : str or None
        Arrow's text of the values' type; None where Arrow has no type for them (objects of several types).
    categories : tuple or None
        All categories of a categorical type, in its order, as `values.pack` writes them.
    ordered : bool
        Whether these are ordered.
    """

    text: str
    arrow: str | None = None
    categories: tuple[Any, ...] | None = None
    ordered: bool = False

    def arrow_type(self) -> pa.DataType | None:
        """Return Arrow's type of the values; None where there is none.

        Raises
        ------
        ArtifactError
            The text is not one of Arrow's types.
        """
        return None if self.arrow is None else arrow_type(self.arrow)


def arrow_type(text: str) -> pa.DataType:
    """Return the type that Arrow writes so.

    Raises
    ------
    ArtifactError
        Arrow has no such type.

    Examples
    --------
    >>> arrow_type("timestamp[us, tz=Europe/Berlin]"), arrow_type("decimal128(10, 2)")
    (TimestampType(timestamp[us, tz=Europe/Berlin]), Decimal128Type(decimal128(10, 2)))
    """
    import pyarrow as pa

    try:
        if zoned := _ZONED.fullmatch(text):
            return pa.timestamp(zoned[1], zoned[2])
        if decimal := _DECIMAL.fullmatch(text):
            return getattr(pa, f"decimal{decimal[1]}")(int(decimal[2]), int(decimal[3]))
        if fixed := _FIXED.fullmatch(text):
            return pa.binary(int(fixed[1]))
        return pa.type_for_alias(text)
    except (ValueError, TypeError, OverflowError) as error:
        raise ArtifactError(f"{quoted(text)} is not a type of a column; the file is damaged") from error


@dataclass(frozen=True)
class Cells:
    """One column of a table.

    Parameters
    ----------
    name : str
        The column's name, for messages.
    dtype : Dtype
        Its type.
    values : pyarrow.Array or None
        Its values; missing ones are null. None where `codes` are given.
    codes : array of int64 [N] or None
        The position of each cell's value in `distinct`; -1 where it is missing.
    distinct : list
        The distinct values as Python objects.
    declared : bool
        Whether the table's type of the column is categorical.
    """

    name: str
    dtype: Dtype
    values: Any = None
    codes: NDArray[np.int64] | None = None
    distinct: list[Any] = field(default_factory=list)
    declared: bool = False

    def __len__(self) -> int:
        return len(self.values) if self.codes is None else len(self.codes)

    @property
    def type(self) -> pa.DataType | None:
        """Arrow's type of the values; None for `codes`."""
        return None if self.values is None else self.values.type

    @property
    def is_text(self) -> bool:
        """Whether the values are text of one Arrow type."""
        from pyarrow import types

        kinds = (types.is_string, types.is_large_string, types.is_string_view)
        return self.values is not None and any(kind(self.type) for kind in kinds)

    def coded(self) -> tuple[NDArray[np.int64], list[Any]]:
        """Return the position of each cell's value among the distinct values (-1: missing), and these."""
        if self.codes is not None:
            return self.codes, self.distinct
        import pyarrow as pa

        values = self.values
        if pa.types.is_floating(values.type):
            values = pa.array(self.numbers(), from_pandas=True)  # also NaN is missing
        values = values.cast(supported(values.type))
        if len(values) == 0 or pa.types.is_null(values.type):
            return np.full(len(values), -1), []
        encoded = values.dictionary_encode()
        return encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False), python_list(
            encoded.dictionary
        )

    def positions_in(self, values: list[Any]) -> NDArray[np.int64]:
        """Return the position of each cell's value among other values; -1 where it is missing or not among them."""
        codes, distinct = self.coded()
        positions = {key(value): position for position, value in enumerate(values)}
        return np.array([*(positions.get(key(value), -1) for value in distinct), -1], np.int64)[codes]

    def numbers(self) -> NDArray[np.float64]:
        """Return the cells as numbers [N], NaN where missing; text is read as numbers.

        Raises
        ------
        DataError
            A cell is not a number; the message names the first.
        """
        import pyarrow as pa
        from pyarrow import compute, types

        if self.codes is not None:
            return self._coded_numbers()
        kind = self.values.type
        if self.is_text:
            text = self.values.cast(pa.large_string())
            self.refuse(~_known(compute.match_substring_regex(text, NUMBER), True), "not a number")
            trimmed = compute.utf8_ltrim(compute.utf8_trim_whitespace(text), characters="+")
            return _floats(trimmed.cast(pa.float64()))
        if types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind) or types.is_decimal(kind):
            return _floats(self.values.cast(pa.float64(), safe=False))
        if not types.is_null(kind):
            self.refuse(self.known(), "not a number")
        return np.full(len(self), np.nan)

    def known(self) -> NDArray[np.bool_]:
        """Return which cells are not missing [N]."""
        from pyarrow import types

        if self.codes is not None:
            return self.codes >= 0
        known: NDArray[np.bool_] = self.values.is_valid().to_numpy(zero_copy_only=False)
        return known & ~np.isnan(self.numbers()) if types.is_floating(self.type) else known

    def refuse(
        self, bad: NDArray[np.bool_], reason: str, mend: str = "correct such cells, or set them to missing"
    ) -> None:
        """Raise DataError that names the first of some cells, if there is one."""
        if bad.any():
            row = int(np.argmax(bad))
            place = f"column {quoted(self.name)}: row {row} holds {quoted(self.at(row))}"
            raise DataError(f"{place}, {reason} (rows count from 0); {mend}")

    def at(self, row: int) -> Any:
        """Return one known cell as a Python value."""
        return python_list(self.values[row : row + 1])[0] if self.codes is None else self.distinct[self.codes[row]]

    def _coded_numbers(self) -> NDArray[np.float64]:
        assert self.codes is not None
        numbers = np.full(len(self.distinct) + 1, np.nan)
        bad = np.zeros(len(self.distinct) + 1, bool)
        for position, value in enumerate(self.distinct):
            kind = family(value)  # NumPy's times convert to floats, but are not numbers
            if kind not in ("number", "boolean", "text") or (kind == "text" and not re.match(NUMBER, value)):
                bad[position] = True
                continue
            try:
                numbers[position] = float(value)
            except (TypeError, ValueError, OverflowError):
                bad[position] = True
        self.refuse(bad[self.codes], "not a number")
        return numbers[self.codes]


def from_categories(name: str, text: str, values: pa.Array, categories: list[Any], *, ordered: bool) -> Cells:
    """Return the cells of a column of a categorical type.

    Parameters
    ----------
    name, text : str
        The column's name, and the library's text of its type.
    values : pyarrow.Array
        The cells; missing ones are null.
    categories : list
        All categories in their order, as Python values.
    ordered : bool
        Whether they are ordered.

    Raises
    ------
    DataError
        Categories are not values that `values.pack` knows.
    """
    known = {key(value): value for value in categories if value is not None}
    try:
        packed = tuple(pack(value) for value in known.values())
    except TypeError as error:
        raise DataError(f"column {quoted(name)} has categories that are {error}; drop it") from error
    dtype = Dtype(text=text, arrow=str(values.type), categories=packed, ordered=ordered)
    distinct = list(known.values())
    return Cells(name, dtype, None, Cells(name, dtype, values).positions_in(distinct), distinct, True)


def taken(cells: Cells) -> pa.Array:
    """Return the cells of `codes` as an Arrow array."""
    import pyarrow as pa

    assert cells.codes is not None
    kind = cells.dtype.arrow_type()
    distinct = pa.array(cells.distinct, kind if kind is None else supported(kind))
    return distinct.take(pa.array(cells.codes, mask=cells.codes < 0))


def python_list(array: pa.Array) -> list[Any]:
    """Return an Arrow array as Python objects; times are cut to microseconds, the unit of Python's."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_timestamp(kind):
        array = array.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_duration(kind):
        array = array.cast(pa.duration("us"), safe=False)
    elif pa.types.is_time64(kind):
        array = array.cast(pa.time64("us"), safe=False)
    listed: list[Any] = array.to_pylist()
    return listed


def refuse_type(name: str, kind: pa.DataType, text: str) -> None:
    """Raise DataError for a column of an Arrow type that does not hold one value per cell, as lists.

    Parameters
    ----------
    name : str
        The column's name.
    kind : pyarrow.DataType
    text : str
        What the user knows the type by.
    """
    from pyarrow import BaseExtensionType, types

    unsupported = (types.is_nested, types.is_run_end_encoded, types.is_interval)
    if isinstance(kind, BaseExtensionType) or any(is_kind(kind) for is_kind in unsupported):
        mend = "convert it to dates (.dt.to_timestamp()), or drop it" if text.startswith("period") else "drop it"
        raise DataError(f"column {quoted(name)} has the type {one_line(text)}, which is of no kind of variable; {mend}")


def supported(kind: pa.DataType) -> pa.DataType:
    """Return the type next to a type for which Arrow lacks functions (views, short decimals); others as they are."""
    import pyarrow as pa

    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_decimal(kind) and kind.bit_width < 128:
        return pa.decimal128(kind.precision, kind.scale)
    return pa.large_binary() if pa.types.is_binary_view(kind) else kind


def _floats(array: pa.Array) -> NDArray[np.float64]:
    """Return an Arrow array of float64 as an array, NaN where null."""
    numbers: NDArray[np.float64] = array.to_numpy(zero_copy_only=False)
    return numbers


def _known(mask: pa.Array, missing: bool) -> NDArray[np.bool_]:
    """Return an Arrow array of booleans as an array, with a value where null."""
    filled: NDArray[np.bool_] = mask.fill_null(missing).to_numpy(zero_copy_only=False)
    return filled
