"""Checks of one parameter's value: a part, a flag, a number."""

from typing import Any, TypeVar

import numpy as np

from ...core.errors import RecipeError
from ...core.recipe import Recipe

Part = TypeVar("Part", bound=Recipe)


def part(value: Any, family: type[Part], parameter: str) -> Part:
    """Return the part that a parameter's value describes.

    Parameters
    ----------
    value : str or Part
        A text is parsed; a part is returned itself.
    family : type
        The class that the part must be of, such as `Solver`.
    parameter : str
        The parameter's name, for the message.

    Returns
    -------
    Part

    Raises
    ------
    RecipeError
        The text names no part of the family, or the value is neither a text nor a part of it.

    Examples
    --------
    >>> from taciturn.training.solvers import Solver
    >>> part("adam:clip=0.5", Solver, "solver").clip
    0.5
    """
    if isinstance(value, str):
        return family.parse(value)
    if not isinstance(value, family):
        raise RecipeError(f"{parameter}={value!r} is neither a {family.__name__} nor the text of one")
    return value


def flag(name: str, value: Any) -> bool:
    """Return the value of the parameter `name` if it is True or False; raise RecipeError if it is not.

    Examples
    --------
    >>> flag("tied", "yes")
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: tied='yes' must be True or False
    """
    if not isinstance(value, bool | np.bool_):
        raise RecipeError(f"{name}={value!r} must be True or False")
    return bool(value)


def number(name: str, value: Any, low: float, high: float) -> float:
    """Return the value of the parameter `name` if it is a number in [low, high); raise RecipeError if it is not.

    Examples
    --------
    >>> number("alpha", -1, 0, np.inf)
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: alpha=-1 must be a number in [0, inf)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value < high:
        raise RecipeError(f"{name}={value!r} must be a number in [{low:g}, {high:g})")
    return float(value)


def positive_integer(name: str, value: Any) -> int:
    """Return the value of the parameter `name` if it is a positive whole number; raise RecipeError if it is not.

    Examples
    --------
    >>> positive_integer("max_iter", 0)
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: max_iter=0 must be a positive whole number
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise RecipeError(f"{name}={value!r} must be a positive whole number")
    return int(value)
