"""What a file format is: its endings, its reader and, if it can be written, its writer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .blocks import Blocks
from .columns import Names
from .source import Source

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Selection:
    """What is read of a file: an archive's array, columns to keep, columns to drop; None where it is not given."""

    key: str | None = None
    columns: Names | None = None
    drop: Names | None = None


@dataclass(frozen=True)
class Format:
    """A file format. A new one is a file with a `FORMAT`, and a line in `files.FORMATS`.

    Parameters
    ----------
    ending : str
        Of its files' names, in lower case: ".csv".
    read : Callable[[Path, Selection], Source]
        Returns the rows of a file.
    write : Callable[[path, Blocks], None] or None, default=None
        Writes blocks of rows, whole or not at all.
    table : Callable[[Path], pyarrow.Table] or None, default=None
        Returns all columns of a file with named columns, text included; None for arrays.
    endings_text : str, default=""
        The endings as messages list them; "" is `ending`.
    matches : Callable[[str], bool] or None, default=None
        Whether a file's name in lower case is of this format, if that is not decided by `ending`.
    """

    ending: str
    read: Callable[[Path, Selection], Source]
    write: Callable[[Path, Blocks], None] | None = None
    table: "Callable[[Path], pyarrow.Table] | None" = None
    endings_text: str = ""
    matches: Callable[[str], bool] | None = None

    def fits(self, name: str) -> bool:
        """Return whether a file's name is of this format."""
        name = name.lower()
        return name.endswith(self.ending) if self.matches is None else self.matches(name)
