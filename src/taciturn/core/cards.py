"""The HTML table that a notebook shows for an object; all of its text is escaped."""

from collections.abc import Iterable
from html import escape

MAX_CHARS = 300  # of the title and of each cell


def card(title: str, lines: Iterable[tuple[str, str]]) -> str:
    """Return a small HTML table with a title and one line per pair.

    Parameters
    ----------
    title : str
        Shown in bold above the table.
    lines : iterable of (str, str)
        Name and description of each line. Texts longer than 300 characters are cut.

    Returns
    -------
    str
        HTML. Every text is escaped, so that markup in it is shown and not run.

    Examples
    --------
    >>> "&lt;b&gt;" in card("a run", [("name", "<b>")])
    True
    """
    table_rows = "".join(
        f'<tr><td style="text-align:left;vertical-align:top;opacity:.7;padding:0 1em 0 0">{_short(name)}</td>'
        f'<td style="text-align:left">{_short(description)}</td></tr>'
        for name, description in lines
    )
    table = f'<table style="border-collapse:collapse;font-size:.92em">{table_rows}</table>'
    return f'<div style="font:14px/1.5 system-ui,sans-serif"><b>{_short(title)}</b>{table}</div>'


def _short(text: str) -> str:
    return escape(text if len(text) <= MAX_CHARS else text[:MAX_CHARS] + "…")
