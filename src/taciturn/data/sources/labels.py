"""Readers of one value per row: labels, which are classes or numbers, and lines of text."""

import os
import warnings
from math import prod
from pathlib import Path
from typing import Any, Unpack

from numpy.typing import NDArray

from ...core.errors import DialectFound
from ...core.messages import one_line
from . import csv
from .columns import label_position, select
from .dialect import Dialect, DialectOptions
from .files import clear_errors, format_of, open_path
from .format import Selection, split_key
from .text_file import find_encoding, open_text


def read_labels(
    text: str | os.PathLike[str],
    *,
    column: str | None = None,
    header: bool | None = None,
    **dialect: Unpack[DialectOptions],
) -> NDArray[Any]:
    """Return one label per row from a file.

    Parameters
    ----------
    text : str or path-like
        A table or an array, as for `open_path`.
    column : str, optional
        The column with the labels. It may be left out if the file has only one beside its row labels.
    header, separator, decimal, thousands, quote, encoding
        As for `open_path`.

    Returns
    -------
    array of shape [N]
        Numbers (a missing one is NaN) if the column is numeric, else an object array of str (a missing one is None).
        Numbers with leading zeros, as 00123, are str.

    Raises
    ------
    DataError
        The file cannot be read, or has several columns and none is named.
    UnknownColumn
        The column's name is unknown.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "table.csv").write_text("width,kind\\n0.2,setosa\\n0.4,setosa\\n")
    ...     read_labels(f"{folder}/table.csv", column="kind").tolist()
    ['setosa', 'setosa']
    """
    path, _ = split_key(os.fsdecode(text))
    file_format = format_of(path)
    if file_format.labels is None:
        source = open_path(text)
        with clear_errors(path, file_format):
            position = label_position(source.columns, prod(source.shape), column)
        labels: NDArray[Any] = select(source, columns=[position]).read(0, len(source))[:, 0]
        return labels
    with clear_errors(path, file_format):
        return file_format.labels(path, column, Selection(header=header, dialect=dialect))


def read_lines(text: str | os.PathLike[str]) -> list[str]:
    """Return the lines of a text file, in any encoding that `open_path` finds; a last empty one does not count.

    Raises
    ------
    DataError
        The file cannot be read, or is not text.
    """
    path = Path(os.fsdecode(text))
    with clear_errors(path, csv.FORMAT):
        dialect = Dialect(encoding=find_encoding(path))
        with open_text(path, dialect) as file:
            lines = file.read().removesuffix("\n").split("\n")
    if dialect.text:
        warnings.warn(f"{one_line(path.name)}: {dialect.text}", DialectFound, stacklevel=2)
    return lines
