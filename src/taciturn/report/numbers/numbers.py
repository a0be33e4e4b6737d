"""Numbers as JSON can hold them."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any


def finite(number: float) -> float | None:
    """Return the number, or None for one that JSON cannot hold."""
    return number if math.isfinite(number) else None


def plain(value: Any) -> Any:
    """Return a section's numbers as plain values."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, list):
        return [plain(item) for item in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def all_finite(value: Any) -> Any:
    """Return plain values with None for every number that JSON cannot hold."""
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, Mapping):
        return {key: all_finite(item) for key, item in value.items()}
    return [all_finite(item) for item in value] if isinstance(value, list | tuple) else value
