"""Numbers of bytes as people write them: 500MB, 1GB, 1.5GiB."""

import re

from .errors import RecipeError

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def byte_count(name: str, text: str) -> int:
    """Return the number of bytes in a text.

    Parameters
    ----------
    name : str
        The option's name, for the message.
    text : str
        A number and a unit in any case: MB and M are 1000² bytes, MiB 1024².

    Returns
    -------
    int

    Raises
    ------
    RecipeError
        The text has another form, or gives less than one byte.

    Examples
    --------
    >>> byte_count("--memory", "1GB"), byte_count("--memory", "1.5 GiB")
    (1000000000, 1610612736)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:([kmgtp])(i?)b?|b)", text.strip().lower(), re.ASCII)
    power = "kmgtp".index(match[2]) + 1 if match and match[2] else 0
    count = int(float(match[1]) * (1024 if match[3] else 1000) ** power) if match and len(text) < 32 else 0
    if count < 1:
        raise RecipeError(f"{name} {text}: write a number and a unit, such as 500MB, 1GB or 1.5GiB")
    return count


def size_text(count: float) -> str:
    """Return a number of bytes with three digits.

    Examples
    --------
    >>> size_text(268_435_456)
    '268 MB'
    """
    power = min(max(len(str(int(count))) - 1, 0) // 3, len(UNITS) - 1)
    return f"{count / 1000**power:.3g} {UNITS[power]}"
