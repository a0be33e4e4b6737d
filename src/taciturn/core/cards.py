"""What a notebook shows of an object: a few lines, whatever they hold shown as text."""

from collections.abc import Iterable
from html import escape

MOST = 300  # characters of a line


def card(title: str, lines: Iterable[tuple[str, str]]) -> str:
    """Return pairs (what, in words) as a small table of HTML.

    Examples
    --------
    >>> "&lt;b&gt;" in card("a run", [("name", "<b>")])
    True
    """
    said = "".join(
        f'<tr><td style="text-align:left;vertical-align:top;opacity:.7;padding:0 1em 0 0">{_short(name)}</td>'
        f'<td style="text-align:left">{_short(words)}</td></tr>'
        for name, words in lines
    )
    table = f'<table style="border-collapse:collapse;font-size:.92em">{said}</table>'
    return f'<div style="font:14px/1.5 system-ui,sans-serif"><b>{_short(title)}</b>{table}</div>'


def _short(text: str) -> str:
    return escape(text if len(text) <= MOST else text[:MOST] + "…")
