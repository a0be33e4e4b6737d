"""What a file format is: its endings, its reader and, if it can be written, its writer."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .batches import Batches
from .blocks import Blocks
from .columns import Names
from .dialect import DialectOptions
from .raw_shard import ShardFile
from .shards import Shard
from .source import Source


@dataclass(frozen=True)
class Selection:
    """What is read of a file: an archive's array, columns, whether it has a header, its dialect; None: not given."""

    key: str | None = None
    columns: Names | None = None
    drop: Names | None = None
    header: bool | None = None
    dialect: DialectOptions = field(default_factory=DialectOptions)


def split_key(text: str) -> tuple[Path, str | None]:
    """Return the file and the array's name of "rows.npz:key" or "rows.safetensors:key"; None where none is named.

    Examples
    --------
    >>> split_key("acts/*.pt:layer.3")[1], split_key("rows.npz")[1]
    ('layer.3', None)
    """
    file, key = split_key_text(text)
    return Path(file), key


def split_key_text(text: str) -> tuple[str, str | None]:
    """Return what `split_key` does, the file as text: it may be a URL."""
    keyed = re.fullmatch(r"(.+\.(?:npz|safetensors|pt|pth)):(.+)", text, flags=re.IGNORECASE)
    return (keyed[1], keyed[2]) if keyed else (text, None)


@dataclass(frozen=True)
class Format:
    """A file format. A new one is a file with a `FORMAT`, and a line in `files.FORMATS`.

    Parameters
    ----------
    ending : str
        Of its files' names, in lower case: ".csv".
    read : Callable[[Path, Selection], Source] or None, default=None
        Returns the rows of a file; None: they are those of its `shard`.
    write : Callable[[path, Blocks], None] or None, default=None
        Writes blocks of rows, whole or not at all.
    write_table : Callable[[path, Batches], None] or None, default=None
        Writes a table, whole or not at all; None for arrays.
    labels : Callable[[Path, str or None, Selection], array [N]] or None, default=None
        Returns a column of a table, numbers or texts, by its name; None for arrays.
    shard : Callable[[ShardFile, Selection], Shard] or None, default=None
        Returns a file's rows as a shard, which stays where it is; None: the format can only be read as a whole.
    endings_text : str, default=""
        The endings as messages list them; "" is `ending`.
    matches : Callable[[str], bool] or None, default=None
        Whether a file's name in lower case is of this format, if that is not decided by `ending`.
    """

    ending: str
    read: Callable[[Path, Selection], Source] | None = None
    write: Callable[[Path, Blocks], None] | None = None
    write_table: Callable[[Path, Batches], None] | None = None
    labels: Callable[[Path, str | None, Selection], NDArray[Any]] | None = None
    shard: Callable[[ShardFile, Selection], Shard] | None = None
    endings_text: str = ""
    matches: Callable[[str], bool] | None = None

    def fits(self, name: str) -> bool:
        """Return whether a file's name is of this format."""
        name = name.lower()
        return name.endswith(self.ending) if self.matches is None else self.matches(name)
