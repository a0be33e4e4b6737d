"""The rules of what is done to rows: scaling and corruption."""

from typing import Any

from ...corruption import Clean, Corruption
from ...model import Scaling
from .values import part


def requires_products(scaling: Any) -> bool:
    """Return whether the scaling (a text or a Scaling) requires products of columns: whether it whitens."""
    return part(scaling, Scaling, "scaling").whitens


def corruption(value: Any) -> Corruption:
    """Return the corruption of a text or a Corruption; `Clean()` for None and "none".

    Raises
    ------
    RecipeError
        The text names no corruption, or the value is of another type.

    Examples
    --------
    >>> corruption("gaussian:0.4").std, corruption(None).clean
    (0.4, True)
    """
    return Clean() if value in (None, "none") else part(value, Corruption, "corruption")
