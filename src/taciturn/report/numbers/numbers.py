"""Conversion of a report's numbers to values that JSON can hold."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from reprlib import Repr
from typing import Any


class ShortRepr:
    """A dataclass whose repr shows only the beginning of long lists, arrays and texts."""

    def __repr__(self) -> str:
        short = Repr()
        short.maxstring = short.maxother = 80
        values = (f"{field.name}={short.repr(getattr(self, field.name))}" for field in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(values)})"


def finite(number: float) -> float | None:
    """Return the number, or None if it is infinite or NaN."""
    return number if math.isfinite(number) else None


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun; `nouns` are several, by default with an s.

    Examples
    --------
    >>> counted(1, "row"), counted(2000, "row"), counted(2, "cell is missing", "cells are missing")
    ('1 row', '2,000 rows', '2 cells are missing')
    """
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def signed_percent(share: float) -> str:
    """Return a change as a percentage with its sign, from a doubling on as a multiple.

    Examples
    --------
    >>> signed_percent(-0.625), signed_percent(0.3), signed_percent(1.5), signed_percent(160)
    ('−62%', '+30%', '× 2.5', '× 161')
    """
    if share >= 1:
        return f"× {share + 1:,.1f}" if share < 9 else f"× {share + 1:,.0f}"
    return f"{share:+.0%}".replace("-", "−")


def plain(section: Any) -> Any:
    """Return a section as plain values: its `to_dict()` if it has one, else a dataclass's fields by name."""
    if hasattr(section, "to_dict"):
        return section.to_dict()
    if isinstance(section, list):
        return [plain(item) for item in section]
    return asdict(section) if hasattr(section, "__dataclass_fields__") else section


def all_finite(value: Any) -> Any:
    """Return plain values with None in place of every infinite number and NaN."""
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, Mapping):
        return {key: all_finite(item) for key, item in value.items()}
    return [all_finite(item) for item in value] if isinstance(value, list | tuple) else value
