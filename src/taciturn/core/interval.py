"""How often something is done: a number of steps or rows, or a time, as a text such as "1000steps" or "10min"."""

import re
from typing import Any

import numpy as np

from .errors import RecipeError

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


def interval(name: str, value: Any, units: tuple[str, ...]) -> tuple[float, str]:
    """Return a number and its unit.

    Parameters
    ----------
    name : str
        The parameter's name, for the message.
    value : int or str
        A whole number of steps, or a number and a unit, such as "1000steps", "10min" or "0.5h".
    units : tuple of str
        The units that are possible; "steps" and "rows" have whole numbers.

    Returns
    -------
    (float, str)

    Raises
    ------
    RecipeError
        The value has another form or another unit, or is not greater than 0.

    Examples
    --------
    >>> interval("checkpoint_every", "10min", ("steps", "min")), interval("validate_every", 500, ("steps", "rows"))
    ((10.0, 'min'), (500.0, 'steps'))
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        value = f"{value}steps"
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]+)", value) if isinstance(value, str) else None
    number, unit = (float(match[1]), match[2]) if match else (0.0, "")
    unit = unit if unit in units else f"{unit}s"  # 1step
    if number <= 0 or unit not in units or (unit not in SECONDS and not number.is_integer()):
        forms = " or ".join(f"'{10 if each in SECONDS else 1000}{each}'" for each in units)
        raise RecipeError(f"{name}={value!r} must be a number of steps, such as 1000, or a text such as {forms}")
    return number, unit
