"""Dates that are written as text, in one of the forms of ISO 8601."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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


def form_of(text: str) -> str | None:
    """Return the key of FORMS that a text is written like; None for no date.

    Examples
    --------
    >>> form_of("1999-12-24T18:00"), form_of("24.12.1999")
    ('2020-01-31T23:59', None)
    """
    lengths = {len(form): form for form in FORMS if ("T" in form) == ("T" in text)}
    return lengths.get(len(text)) if re.match(ISO, text) else None


def read(text: pa.Array) -> pa.Array:
    """Return dates written as text as timestamps in microseconds; null where the text is no date."""
    import pyarrow as pa
    from pyarrow import compute

    form = compute.match_substring_regex(text, ISO)
    dates = compute.if_else(form, compute.replace_substring(text, "T", " "), None)
    try:
        return dates.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:  # such as 2020-02-30
        return pa.array([_date(date) for date in dates.to_pylist()], pa.timestamp("us"))


def write(dates: pa.Array, form: str) -> pa.Array:
    """Return timestamps as text in a form, a key of FORMS."""
    import pyarrow as pa
    from pyarrow import compute

    text, unit = FORMS[form]
    return compute.strftime(dates.cast(pa.timestamp(unit), safe=False), format=text)


def _date(text: str | None) -> object:
    from datetime import datetime

    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
