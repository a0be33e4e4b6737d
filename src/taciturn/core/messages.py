"""Foreign texts (names, cells, other libraries' messages) inside messages: one printable line, cut with a sign."""

from collections.abc import Iterable

_CUT = "…"


def one_line(text: object, most: int = 200) -> str:
    """Return a text as one printable line.

    Parameters
    ----------
    text : object
        Converted with `str`: a message of another library, a path, a list of names.
    most : int, default=200
        Characters of the line, at least 1. A longer one is cut, and ends with "…".

    Returns
    -------
    str
        Line breaks, tabs and runs of spaces are one space. Other characters that cannot be printed (control characters,
        escape sequences, bytes that are not UTF-8) are written as escapes.

    Examples
    --------
    >>> one_line("two\\nlines, \\x1b[31mred")
    'two lines, \\\\x1b[31mred'
    >>> one_line("a" * 60_000, most=5)
    'aaaa…'
    """
    # Cut before escaping, so that a text of many megabytes costs nothing; escaping never shortens it.
    whole = str(text)
    beginning = whole[: 4 * most]
    line = "".join(char if char.isprintable() else _escape(char) for char in " ".join(beginning.split()))
    return line[: most - 1] + _CUT if len(line) > most or len(whole) > len(beginning) else line


def quoted(name: object, most: int = 60) -> str:
    """Return a name or a cell in quotes, as one printable line.

    Parameters
    ----------
    name : object
        Converted with `str`.
    most : int, default=60
        Characters of the name that are shown. Of a longer one "…" follows its beginning, inside the quotes.

    Returns
    -------
    str

    Examples
    --------
    >>> quoted("age"), quoted("a\\nb"), quoted("a" * 60_000, most=4)
    ("'age'", "'a\\\\nb'", "'aaa…'")
    """
    text = str(name)
    shown = text if len(text) <= most else text[: most - 1] + _CUT
    return repr(shown)


def listed(names: Iterable[object], most: int = 5) -> str:
    """Return the first names, in quotes, joined by commas, and the number of the others.

    Parameters
    ----------
    names : iterable of object
        Each is shown as by `quoted`.
    most : int, default=5
        Names that are shown.

    Returns
    -------
    str

    Examples
    --------
    >>> listed(["a", "b"]), listed(range(20_000), most=2)
    ("'a', 'b'", "'0', '1' and 19,998 more")
    """
    names = list(names)
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(quoted, names[:most])) + rest


def missing_values(n_missing: int, n_values: int, of: str = "") -> str:
    """Return how many of some values are missing, as text; `of` tells whose they are, such as " of the targets".

    Examples
    --------
    >>> missing_values(1234, 115_008), missing_values(1, 115_008)
    ('1,234 of 115,008 values are missing (1.1%)', '1 of 115,008 values is missing (0.00087%)')
    """
    percent = 100 * n_missing / n_values
    share = f"{percent:.1f}" if percent >= 0.1 else f"{percent:.2g}"
    return f"{n_missing:,} of {n_values:,} values{of} {'is' if n_missing == 1 else 'are'} missing ({share}%)"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
