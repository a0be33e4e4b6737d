"""Dates that are written as text: as ISO 8601 has them, or with points, slashes or dashes between day, month, year."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ...core.messages import quoted

if TYPE_CHECKING:
    import pyarrow as pa

ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{3}|\.[0-9]{6})?)?)?$"
# Arrow writes as many decimals of a second as the unit has.
FORMS = {
    "2020-01-31": ("%Y-%m-%d", "s"),
    "2020-01-31 23:59": ("%Y-%m-%d %H:%M", "s"),
    "2020-01-31 23:59:59": ("%Y-%m-%d %H:%M:%S", "s"),
    "2020-01-31 23:59:59.000": ("%Y-%m-%d %H:%M:%S", "ms"),
    "2020-01-31 23:59:59.000000": ("%Y-%m-%d %H:%M:%S", "us"),
}
FULL = "2020-01-31 23:59:59"
FORMS |= {form.replace(" ", "T"): (text.replace(" ", "T"), unit) for form, (text, unit) in FORMS.items()}

# Other forms are letters, as dd.mm.yyyy HH:MM; one letter, as in m/d/yyyy, is a number without a leading zero.
_LETTERS = re.compile(r"(?:(d{1,2}([./-])m{1,2}\2|m{1,2}([/-])d{1,2}\3)yyyy|yyyy/m{1,2}/d{1,2})(?: H{1,2}:MM(?::SS)?)?")
_CODES = {"yyyy": "%Y", "dd": "%d", "d": "%d", "mm": "%m", "m": "%m", "HH": "%H", "H": "%H", "MM": "%M", "SS": "%S"}
_TIME = r"(?: ([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
_YEAR_LAST = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([12][0-9]{3})" + _TIME)
_YEAR_FIRST = re.compile(r"([12][0-9]{3})(/)([0-9]{1,2})/([0-9]{1,2})" + _TIME)
_LIKE_DATES = re.compile(
    r"(?:[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2,4}|[0-9]{4}([./-])[0-9]{1,2}\2[0-9]{1,2})(?:[ T].*)?"
)


class _Written(NamedTuple):
    """The parts of a date that is not written as ISO 8601 has it."""

    mark: str
    year_first: bool
    year: str
    numbers: tuple[str, str]  # day and month, in the order in which they are written
    hour: str | None
    minute: str | None
    second: str | None

    @property
    def shape(self) -> tuple[str, bool, bool, bool]:
        return self.mark, self.year_first, self.hour is None, self.second is None


def is_form(text: str) -> bool:
    """Return whether a text is a form of dates."""
    return text in FORMS or _LETTERS.fullmatch(text) is not None


def form_of(texts: Iterable[str]) -> str | None:
    """Return the form in which all dates of a column are written; None where there is none, or more than one.

    All dates together decide whether the day or the month comes first; between points it is the day.

    Examples
    --------
    >>> form_of(["1999-12-24T18:00"]), form_of(["24.12.1999 18:00", "31.01.2000 09:00"])
    ('2020-01-31T23:59', 'dd.mm.yyyy HH:MM')
    >>> form_of(["1/2/1999", "1/13/1999"]), form_of(["1/2/1999", "2/2/1999"])
    ('m/d/yyyy', None)
    """
    texts = list(texts)
    if not texts or not _LIKE_DATES.fullmatch(texts[0]):
        return None
    forms = {_iso_form(text) for text in texts}
    if None not in forms:
        return forms.pop() if len(forms) == 1 else None
    dates = [date for text in texts if (date := _parsed(text)) is not None]
    if len(dates) < len(texts) or len({date.shape for date in dates}) != 1:
        return None
    order = _order(dates)
    width = _width([number for date in dates for number in date.numbers])
    hours = _width([date.hour for date in dates if date.hour is not None])
    if order is None or width is None or hours is None:
        return None
    mark, year_first, no_time, no_seconds = dates[0].shape
    day_and_month = mark.join(letter * width for letter in order)
    time = "" if no_time else f" {'H' * hours}:MM" + ("" if no_seconds else ":SS")
    return (f"yyyy{mark}{day_and_month}" if year_first else f"{day_and_month}{mark}yyyy") + time


def why_no_form(texts: Iterable[str]) -> str:
    """Return why dates have no form, in words; "" if they have one, or if some texts do not look like dates.

    Examples
    --------
    >>> why_no_form(["1/2/1999", "2/2/1999"])
    "in '1/2/1999' the day or the month may come first"
    """
    texts = list(texts)
    if not texts or not all(map(_LIKE_DATES.fullmatch, texts)) or form_of(texts) is not None:
        return ""
    dates = [date for text in texts if (date := _parsed(text)) is not None]
    if len(dates) == len(texts) and len({date.shape for date in dates}) == 1 and _order(dates) is None:
        both = all(int(number) <= 12 for date in dates for number in date.numbers)
        return f"in {quoted(texts[0])} the day or the month may come first" if both else "days and months are mixed up"
    return f"dates like {quoted(texts[0])} are not all in one form that is known"


def not_among_dates(texts: Iterable[str]) -> str | None:
    """Return the first text that is no date, if more than half of all are; else None.

    Examples
    --------
    >>> not_among_dates(["31.01.1999", "31.02.1999", "1.3.1999"]), not_among_dates(["a", "b", "1.3.1999"])
    ('31.02.1999', None)
    """
    texts = list(texts)
    others = [text for text in texts if not (_iso_form(text) and _iso_date(text)) and not _is_date_in_some_order(text)]
    return others[0] if 0 < len(others) < len(texts) / 2 else None


def read(text: pa.Array, form: str | None) -> pa.Array:
    """Return dates written as text as timestamps in microseconds; null where the text is no date.

    Parameters
    ----------
    text : pyarrow.Array of large_string
        Dates in any form of ISO 8601 or between points; others with day and month in the order of `form`.
    form : str or None
        What `form_of` returned for the column, or for the one that was trained on.
    """
    import pyarrow as pa
    from pyarrow import compute

    is_iso = compute.match_substring_regex(text, ISO)
    dates = compute.if_else(is_iso, compute.replace_substring(text, "T", " "), None)
    try:
        dates = dates.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:  # such as 2020-02-30
        dates = pa.array([_iso_date(date) for date in dates.to_pylist()], pa.timestamp("us"))
    if dates.null_count == text.null_count:
        return dates
    encoded = text.dictionary_encode()
    order = None if form is None or form in FORMS else "dm" if form[0] == "d" else "md"
    others = [_date(each, order) for each in encoded.dictionary.to_pylist()]
    return compute.coalesce(dates, pa.array(others, pa.timestamp("us")).take(encoded.indices))


def write(dates: pa.Array, form: str) -> pa.Array:
    """Return timestamps as text in a form."""
    import pyarrow as pa
    from pyarrow import compute

    code = re.sub("|".join(_CODES), lambda letters: _CODES[letters[0]], form)
    text, unit = FORMS.get(form, (code, "s"))
    written = compute.strftime(dates.cast(pa.timestamp(unit), safe=False), format=text)
    if form not in FORMS and "dd" not in form:
        written = compute.replace_substring_regex(written, r"^0", "")
        written = compute.replace_substring_regex(written, r"([./-])0", r"\1")
    return compute.replace_substring(written, " 0", " ") if " H:" in form else written


def _iso_form(text: str) -> str | None:
    lengths = {len(form): form for form in FORMS if ("T" in form) == ("T" in text)}
    return lengths.get(len(text)) if re.match(ISO, text) else None


def _iso_date(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None


def _parsed(text: str) -> _Written | None:
    if match := _YEAR_LAST.fullmatch(text):
        first, mark, second, year, *time = match.groups()
        return _Written(mark, False, year, (first, second), *time)
    if match := _YEAR_FIRST.fullmatch(text):
        year, mark, first, second, *time = match.groups()
        return _Written(mark, True, year, (first, second), *time)
    return None


def _order(dates: Sequence[_Written]) -> str | None:
    """Return "dm" if the day comes first, "md" if the month does; None where both are possible, or neither."""
    if dates[0].year_first or dates[0].mark == ".":
        return "md" if dates[0].year_first else "dm"
    possible = [order for order in ("dm", "md") if all(int(date.numbers[order.index("m")]) <= 12 for date in dates)]
    return possible[0] if len(possible) == 1 else None


def _width(numbers: Sequence[str]) -> int | None:
    """Return how many digits numbers have at least, 1 or 2; None where some have leading zeros, and others not."""
    widths = {len(number) for number in numbers if int(number) < 10}
    return None if len(widths) > 1 else widths.pop() if widths else 2


def _is_date_in_some_order(text: str) -> bool:
    return any(_date(text, order) is not None for order in ("dm", "md"))


def _date(text: str, order: str | None) -> datetime | None:
    if (date := _parsed(text)) is None:
        return None
    order = order if date.mark in "/-" and not date.year_first else _order([date])
    if order is None:
        return None
    day, month = (int(date.numbers[order.index(letter)]) for letter in "dm")
    try:
        return datetime(int(date.year), month, day, int(date.hour or 0), int(date.minute or 0), int(date.second or 0))
    except ValueError:
        return None
