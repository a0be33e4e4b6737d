"""Numbers and texts as the page shows them."""

import math
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from .engine import environment

MAX_DECIMALS = 6
MIN_SEPARATED = 10_000  # from this number on thousands are separated
MAX_TEXT = 400  # characters of a text beside a row; a longer one stands whole in the section on long texts


def percent(share: float) -> str:
    """Return a share from 0 to 1 as a percentage, with two decimals below 10% and one from 10% on."""
    return f"{share:.2%}" if share < 0.1 else f"{share:.1%}"


def error(value: float) -> str:
    """Return a row's or a column's error as text; NaN is that of one without any known value."""
    return "—" if math.isnan(value) else number(value)


def score_text(score: float) -> str:
    """Return the score of an outlier detector as text, such as −2.40."""
    return f"{score:z.2f}".replace("-", "−")  # z: 0.00 has no sign


def number(value: float) -> str:
    """Return a number with about three digits, thousands separated, such as 48,980 or 0.0123.

    Examples
    --------
    >>> number(48980.3), number(0.01234), number(-3.14159), number(0), number(2e-12), number(1)
    ('48,980', '0.0123', '−3.14', '0', '2e−12', '1')
    """
    size = abs(value)
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if not 1e-4 <= size < 1e15:
        return f"{value:.3g}".replace("e-0", "e-").replace("e+", "e").replace("-", "−")
    decimals = max(2 - math.floor(math.log10(size)), 0)
    text = f"{value:,.{decimals}f}".replace("-", "−")
    return text.rstrip("0").rstrip(".") if decimals else text


class ColumnFormat:
    """The format of the numbers of a table's column: the same decimals, and thousands separated if some are large.

    Numbers up to four digits, such as years, are not separated.

    Parameters
    ----------
    values : array [n]
        Numbers of the column, n ≥ 1; NaN is a missing value.
    deviation : float
        The column's standard deviation; a twentieth of it is visible.

    Examples
    --------
    >>> price, year = ColumnFormat(np.array([48980.0, 1200.0]), 20000), ColumnFormat(np.array([1987.0, 2024.0]), 30)
    >>> price.text(1200.4), year.text(1987.0), year.text(1987.6)
    ('1,200', '1987', '1988')
    >>> rooms = ColumnFormat(np.array([3.0, 5.0]), 1.2)
    >>> rooms.text(4.93), rooms.text(3.0, exact=True), rooms.text(math.nan)
    ('4.9', '3', 'missing')
    """

    def __init__(self, values: NDArray[Any], deviation: float) -> None:
        values = values[~np.isnan(values)]
        largest = float(np.abs(values).max(initial=0.0))
        spread = deviation if deviation > 0 else largest
        decimals = 1 - math.floor(math.log10(spread)) if spread > 0 else 0
        self._is_plain = decimals <= MAX_DECIMALS and largest < 1e15
        self._decimals = min(max(decimals, 0), MAX_DECIMALS)
        self._are_whole = bool((np.floor(values) == values).all())
        self._are_large = largest >= MIN_SEPARATED

    def text(self, value: float, *, exact: bool = False) -> str:
        """Return a number as text; `exact`: it is the column's own, and a whole number has no decimals then."""
        if math.isnan(value):
            return "missing"
        if not self._is_plain or not math.isfinite(value):
            return number(value)
        decimals = 0 if exact and self._are_whole else self._decimals
        text = f"{value:,.{decimals}f}" if self._are_large or abs(value) >= MIN_SEPARATED else f"{value:.{decimals}f}"
        return (text.lstrip("-") if float(text.replace(",", "")) == 0 else text).replace("-", "−")


def difference(value: str | float, other: str | float) -> tuple[str, str]:
    """Return two values of a column as texts: numbers with as many decimals as show how they differ.

    Examples
    --------
    >>> difference(412.0, 38.71), difference(3.6, 2.328), difference("red", "blue"), difference(48980.0, 1.5e-3)
    (('412', '39'), ('3.60', '2.33'), ('red', 'blue'), ('48,980', '0'))
    """
    if isinstance(value, str) or isinstance(other, str):
        return str(value), str(other)
    column = ColumnFormat(np.array([value, other, 0.5], np.float64), abs(value - other) / 2)
    wholes = ColumnFormat(np.array([value, other], np.float64), 10.0)  # without decimals
    are_whole = float(value).is_integer(), isinstance(other, int)
    first, second = (
        (wholes if is_whole else column).text(each) for each, is_whole in zip((value, other), are_whole, strict=True)
    )
    return first, second


def row_text(row: int, text: str) -> Markup:
    """Return a row's text as HTML: the whole text, or its beginning and a link to the whole."""
    macros: Any = environment.get_template("macros.html.j2").module
    return Markup(macros.row_text(row, text, MAX_TEXT))


def data_text(text: str, max_length: int) -> Markup:
    """Return a text that comes from data as HTML, shortened."""
    macros: Any = environment.get_template("macros.html.j2").module
    return Markup(macros.data_text(text, max_length))
