"""Python values (levels, names of columns) as JSON: text, whole numbers and truth values as they are, others tagged."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Hashable
from decimal import Decimal, InvalidOperation
from numbers import Number as AnyNumber
from typing import Any

import numpy as np

_NUMPY_TIMES = (np.datetime64, np.timedelta64)
_EXACT = 1 << 53  # whole numbers below it are the same in all readers of JSON

FAMILIES = {
    "text": "text",
    "number": "numbers",
    "boolean": "True and False",
    "bytes": "bytes",
    "datetime": "dates with a time",
    "date": "dates",
    "time": "times of day",
    "duration": "durations",
    "interval": "intervals",
    "tuple": "tuples",
}


def pack(value: Any) -> Any:
    """Return a value as JSON can hold it.

    Parameters
    ----------
    value : str, int, float, bool, bytes, Decimal, date, datetime, time, timedelta, tuple, interval of pandas or None
        NumPy's numbers count as Python's.

    Returns
    -------
    str, int, bool, None or dict
        A dict has one entry: the type's name and the value as text or list.

    Raises
    ------
    TypeError
        The value has another type, or is a text that is not valid Unicode.

    Examples
    --------
    >>> pack("red"), pack(3), pack(Decimal("1.50")), pack(dt.date(2020, 1, 31))
    ('red', 3, {'decimal': '1.50'}, {'date': '2020-01-31'})
    """
    if isinstance(value, np.generic) and not isinstance(value, _NUMPY_TIMES):
        value = value.item()
    match value:
        case None | bool():
            return value
        case str():
            if not value.isascii() and value.encode("utf-8", "replace").decode() != value:
                raise TypeError("a text that is not valid Unicode")
            return str(value)
        case int():
            return int(value) if abs(value) < _EXACT else {"int": str(int(value))}
        case float():
            return {"float": repr(float(value))}
        case Decimal():
            return {"decimal": str(value)}
        case bytes():
            return {"bytes": base64.b64encode(value).decode()}
        case dt.datetime():
            return {"datetime": value.isoformat(), "zone": _zone(value)}
        case dt.date():
            return {"date": value.isoformat()}
        case dt.time():
            return {"time": value.isoformat()}
        case dt.timedelta():
            return {"duration": [value.days, value.seconds, value.microseconds]}
        case tuple():
            return {"tuple": [pack(part) for part in value]}
    if type(value).__name__ == "Interval":
        return {"interval": [pack(value.left), pack(value.right), value.closed]}
    raise TypeError(f"{type(value).__name__} values")


def unpack(packed: Any) -> Any:
    """Return the value of which `pack` made this.

    Raises
    ------
    ValueError
        No value has this form: the file is damaged.

    Examples
    --------
    >>> unpack({"decimal": "1.50"}), unpack("red")
    (Decimal('1.50'), 'red')
    """
    if packed is None or isinstance(packed, bool | str | int):
        return packed
    try:
        (tag, content), *rest = packed.items()
        return _unpacked(tag, content, dict(rest))
    except (AttributeError, TypeError, ValueError, KeyError, InvalidOperation, binascii.Error, OverflowError) as error:
        raise ValueError(f"{packed!r} is not a value") from error


def family(value: Any) -> str:
    """Return the family of a value, a key of FAMILIES; values of one family may be equal, others never are.

    Examples
    --------
    >>> family(1), family(Decimal(1)), family(True), family("1")
    ('number', 'number', 'boolean', 'text')
    """
    match value:
        case np.datetime64() | np.timedelta64():  # the latter counts as a number in Python
            return type(value).__name__
        case bool() | np.bool_():
            return "boolean"
        case str():
            return "text"
        case AnyNumber():
            return "number"
        case bytes():
            return "bytes"
        case dt.datetime():
            return "datetime"
        case dt.date():
            return "date"
        case dt.time():
            return "time"
        case dt.timedelta():
            return "duration"
        case tuple():
            return "tuple"
    return type(value).__name__.lower()


def key(value: Any) -> Hashable:
    """Return what equal values of one family share: 1 and 1.0 are the same level, 1 and True and "1" are not.

    Examples
    --------
    >>> key(1) == key(1.0), key(1) == key(True), key(1) == key("1")
    (True, False, False)
    """
    return family(value), value


def _unpacked(tag: str, content: Any, rest: dict[str, Any]) -> Any:
    match tag:
        case "int":
            return int(content)
        case "float":
            return float(content)
        case "decimal":
            return Decimal(content)
        case "bytes":
            return base64.b64decode(content, validate=True)
        case "datetime":
            return _with_zone(dt.datetime.fromisoformat(content), rest["zone"])
        case "date":
            return dt.date.fromisoformat(content)
        case "time":
            return dt.time.fromisoformat(content)
        case "duration":
            return dt.timedelta(*content)
        case "tuple":
            return tuple(unpack(part) for part in content)
        case "interval":
            import pandas as pd

            left, right, closed = content
            return pd.Interval(unpack(left), unpack(right), closed)
    raise ValueError(tag)


def _zone(value: dt.datetime) -> str | None:
    return getattr(value.tzinfo, "key", None)


def _with_zone(value: dt.datetime, zone: str | None) -> dt.datetime:
    from zoneinfo import ZoneInfo

    return value if zone is None else value.astimezone(ZoneInfo(zone))
