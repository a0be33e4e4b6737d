"""How a text table is written: its separator, its numbers, its quotes and its encoding."""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

from ...core.errors import RecipeError
from ...core.messages import one_line

if TYPE_CHECKING:
    import pyarrow

_WORDS = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "none": ""}
_NAMES = {"\t": "tabs", " ": "spaces"}
_THOUSANDS = ("", ",", ".", " ", "'", "\u00a0", "\u202f")


class DialectOptions(TypedDict, total=False):
    """The fields of a `Dialect` that a user sets; those that are None or not there are found."""

    separator: str | None
    decimal: str | None
    thousands: str | None
    quote: str | None
    encoding: str | None


@dataclass(frozen=True)
class Dialect:
    """How a text table is written; by default with commas, in UTF-8.

    Parameters
    ----------
    separator : str, default=","
        The character between two cells; "tab" and "space" are names. A space is any run of spaces and tabs.
    decimal : "." or ",", default="."
        The decimal point.
    thousands : "", ",", ".", " " or "'", default=""
        What separates groups of three digits: 1,234,567. Also the two kinds of no-break space; "none" is "".
    quote : str, default='"'
        The character around a cell that may hold separators; two of them in such a cell are one.
    encoding : str, default="utf-8"
        A name that Python knows: utf-16, cp1252, latin-1, … A byte order mark is skipped.

    Raises
    ------
    RecipeError
        A value is not possible.

    Examples
    --------
    >>> german = Dialect(separator=";", decimal=",", thousands=".")
    >>> german.text, german.is_number("1.234,5"), german.is_number("1.5")
    ("separated by ';', decimal comma, thousands separated by '.'", True, False)
    """

    separator: str = ","
    decimal: str = "."
    thousands: str = ""
    quote: str = '"'
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        for name in ("separator", "thousands", "quote"):
            value = getattr(self, name)
            object.__setattr__(self, name, _WORDS.get(value.lower(), value))
        try:
            object.__setattr__(self, "encoding", codecs.lookup(self.encoding).name)
            "".encode(self.encoding)
        except (LookupError, ValueError) as error:  # LookupError: also of a codec that is not one of texts
            possible = "an encoding that Python knows: utf-8, utf-16, cp1252, …"
            raise _impossible("encoding", self.encoding, possible) from error
        if not _is_mark(self.separator):
            raise _impossible("separator", self.separator, "one character: ';', tab, space, …")
        if not _is_mark(self.quote) or self.quote == self.separator:
            raise _impossible("quote", self.quote, "one character other than the separator")
        if self.decimal not in (".", ","):
            raise _impossible("decimal", self.decimal, "'.' or ','")
        if self.thousands not in _THOUSANDS or self.thousands == self.decimal:
            raise _impossible("thousands", self.thousands, "',', '.', a space or an apostrophe, not the decimal point")

    @classmethod
    def of(cls, options: DialectOptions, **found: Any) -> "Dialect":
        """Return the dialect with these options, and with `found` where an option is not given."""
        return cls(**found | {name: value for name, value in options.items() if value is not None})

    @property
    def text(self) -> str:
        """The fields that differ from the plain dialect, in words; "" for the plain one."""
        return ", ".join(self.differences(field.name for field in fields(self)))

    def differences(self, names: Iterable[str], other: "Dialect | None" = None) -> list[str]:
        """Return those of the fields `names` that differ from another dialect, by default the plain one, in words."""
        words = {
            "separator": f"separated by {_NAMES.get(self.separator, repr(self.separator))}",
            "decimal": "decimal comma" if self.decimal == "," else "decimal point",
            "thousands": f"thousands separated by {self.thousands!r}" if self.thousands else "no thousands",
            "quote": f"quoted by {self.quote}",
            "encoding": {"cp1252": "Windows-1252 (Latin-1)"}.get(self.encoding, self.encoding.upper()),
        }
        other = other or Dialect()
        return [words[name] for name in names if getattr(self, name) != getattr(other, name)]

    def plain(self, cell: str) -> str:
        """Return a number's text with a decimal point and without thousands; of another text something else."""
        if self.thousands and self._grouped.fullmatch(cell.strip()):
            cell = cell.replace(self.thousands, "")
        return cell if self.decimal == "." else cell.translate(_COMMA_TO_POINT)

    def is_number(self, cell: str) -> bool:
        """Return whether a cell is a number, as pyarrow reads it."""
        text = self.plain(cell)
        try:
            float(text)
        except ValueError:
            return False
        return "_" not in text and text.isascii()  # Python reads 1_000 and digits of other scripts as numbers

    def number_texts(self, texts: "pyarrow.ChunkedArray") -> "pyarrow.ChunkedArray":
        """Return texts, of which numbers have a decimal point and no thousands, as `plain` returns one."""
        import pyarrow.compute as pc

        if self.thousands:
            is_grouped = pc.match_substring_regex(texts, f"^(?:{self._grouped.pattern})$")
            texts = pc.if_else(is_grouped, pc.replace_substring(texts, self.thousands, ""), texts)
        if self.decimal == ",":
            texts = pc.replace_substring(pc.replace_substring(texts, ".", "?"), ",", ".")
        return texts

    @cached_property
    def _grouped(self) -> re.Pattern[str]:
        """A number whose digits are in groups of three."""
        mark, decimal = re.escape(self.thousands), re.escape(self.decimal)
        return re.compile(rf"[+-]?[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+(?:{decimal}[0-9]*)?")


_COMMA_TO_POINT = str.maketrans({",": ".", ".": "?"})  # "1.5" is not a number where the comma is the decimal point


def _is_mark(text: str) -> bool:
    return len(text) == 1 and text.isascii() and not text.isalnum() and text not in "\r\n\0.+-"


def _impossible(name: str, value: str, possible: str) -> RecipeError:
    return RecipeError(f"{name}={one_line(repr(value))} is not possible; give {possible}")


def mend(**options: str) -> str:
    """Return the advice to give these options, in Python and on the command line.

    Examples
    --------
    >>> mend(separator=";", decimal=",")
    "give separator=';', decimal=',' (--separator ';' --decimal ',')"
    """
    python = ", ".join(f"{name}={value!r}" for name, value in options.items())
    shell = " ".join(f"--{name} {'tab' if value == chr(9) else repr(value)}" for name, value in options.items())
    return f"give {python} ({shell})"


def thousands_doubt(dialect: Dialect, number: str = "") -> str:
    """Return the warning for numbers with groups of three digits, whose mark may also be the other one.

    Parameters
    ----------
    dialect : Dialect
        What they are read with.
    number : str, default=""
        One of them.
    """
    of = f" of {number}" if number else ""
    if mark := dialect.thousands:
        return f"the {mark!r}{of} is read as what separates thousands; if it is the decimal point, " + mend(
            decimal=mark, thousands=dialect.decimal
        )
    other = "." if dialect.decimal == "," else ","
    return f"the {dialect.decimal!r}{of} is read as the decimal point; if it separates thousands, " + mend(
        decimal=other, thousands=dialect.decimal
    )
