"""Readers and writers of files by the ending of the name; every error is one line that names the file."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Unpack

from ...core.errors import DataError, RecipeError
from ...core.messages import one_line
from . import csv, feather, idx, npy, npz, parquet, to_safetensors
from .blocks import Blocks
from .columns import Names
from .dialect import DialectOptions
from .format import Format, Selection
from .source import Array, Source

FORMATS: tuple[Format, ...] = (npy.FORMAT, npz.FORMAT, csv.FORMAT, parquet.FORMAT, feather.FORMAT, idx.FORMAT)
READABLE = ", ".join(each.endings_text or each.ending for each in FORMATS)  # for messages
WRITERS = {each.ending: each.write for each in FORMATS if each.write is not None} | {
    ".safetensors": to_safetensors.write
}
WRITABLE = ", ".join(WRITERS)


def open_path(
    text: str | os.PathLike[str],
    *,
    columns: Names | None = None,
    drop: Names | None = None,
    header: bool | None = None,
    **dialect: Unpack[DialectOptions],
) -> Source:
    """Return the rows of a file as a source.

    Parameters
    ----------
    text : str or path-like
        A file, whose ending gives the format: .npy, .npz, .csv, .tsv, .tab, .txt, .parquet, .feather, .arrow, .idx or
        -ubyte. Text tables may be compressed (.csv.gz, also .bz2, .xz, .zst), as IDX files (.gz).
        `rows.npz:key` names one array of an archive.
    columns, drop
        As for `select`. Columns of a table that are left out may hold any text.
    header : bool, optional
        Whether the first line of a text table holds names. By default the rows below it decide.
    separator, decimal, thousands, quote, encoding : str, optional
        How a text table is written; see `Dialect`. What is not given is found by trying, and a `DialectFound` warning
        describes it if it is not the usual: commas (tabs in .tsv and .tab), decimal points, UTF-8.

    Returns
    -------
    Source
        An .npy file stays on the disk as a memory map; other formats are read into memory. An .npz file of
        scipy.sparse.save_npz gives `SparseRows`. Row labels of a table (a first column without a name; the index that
        pandas stores in .parquet and .feather) are no column; `ids_of` returns them.

    Raises
    ------
    RecipeError
        The ending is unknown, or an option of the dialect is not possible.
    DataError
        The file is missing, empty, broken, not numeric, too large for the memory, or not a regular file.
    UnknownColumn
        A column name is unknown.

    Examples
    --------
    >>> open_path("notes.pdf")
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: notes.pdf: ... known are .npy, .npz, .npz:KEY, .csv, .tsv, ...
    """
    path, key = npz.split_key(os.fsdecode(text))
    file_format = format_of(path)
    with clear_errors(path, file_format):
        source = file_format.read(path, Selection(key, columns, drop, header, dialect))
    if len(source) == 0 or prod(source.shape) == 0:
        empty = "columns" if len(source) else "rows"
        raise DataError(f"{one_line(path)} has no {empty}; give a file that has some")
    return source


@contextmanager
def clear_errors(path: Path, file_format: Format) -> Iterator[None]:
    """Check that a path is a regular file with content, and raise errors of the block, which reads it, in one line.

    Parameters
    ----------
    path : Path
        The file; messages begin with its name.
    file_format : Format
        Its format.

    Raises
    ------
    DataError
        The path is not such a file, or the block raised an error.
    """
    name = one_line(path)
    _check_file(path, name)
    try:
        yield
    except (DataError, RecipeError) as error:
        raise type(error)(f"{name}: {error}") from error
    except Warning:  # the user has turned warnings into errors
        raise
    except MemoryError as error:
        mend = "select columns, or save it as .npy, which stays on the disk"
        raise DataError(f"{name}: there is not enough memory; {mend}") from error
    except Exception as error:
        # On broken bytes a decoder may raise any error: struct, zip, zlib, Arrow, …
        reason = one_line(error) or type(error).__name__
        mend = "check that the file is complete and its ending right"
        raise DataError(f"{name} cannot be read as {file_format.ending}: {reason}; {mend}") from error


def _check_file(path: Path, name: str) -> None:
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        raise DataError(f"{name}: {'no such file' if missing else reason}; correct the name") from error
    if stat.S_ISDIR(status.st_mode):
        raise DataError(f"{name} is a folder; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{name} is a pipe or a device, not a file; write its rows into a file first")
    if status.st_size == 0:
        raise DataError(f"{name}: the file is empty; give one with rows")


def write_path(
    path: str | os.PathLike[str],
    blocks: Iterable[Array],
    *,
    n_rows: int,
    columns: Sequence[str] | None = None,
    shape: tuple[int, ...] | None = None,
    ids: Sequence[Any] | None = None,
) -> None:
    """Write blocks of rows into a file, in the format of its ending.

    Only one block is in memory at a time, and the file appears only when it is complete.

    Parameters
    ----------
    path : str or path-like
        The file: .npy, .npz (as the array `rows`), .csv, .parquet or .safetensors (as the tensor `rows`). An existing
        one is replaced.
    blocks : iterable of arrays [rows, n_columns]
        At least one; all are written in the type of the first.
    n_rows : int
        Number of rows in all blocks together.
    columns : sequence of str, optional
        Names of the columns, for .csv and .parquet.
    shape : tuple of int, optional
        Shape of a row, for .npy, .npz and .safetensors: images are written as images. (n_columns,) by default.
    ids : sequence, optional
        An id for each row, for .csv (a first column without a name) and .parquet (the index of a pandas data frame).

    Raises
    ------
    RecipeError
        The ending is unknown.
    DataError
        The blocks do not fit each other, `n_rows`, `columns` or `ids`.
    TaciturnError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_path(f"{folder}/rows.npy", [np.zeros((3, 2)), np.ones((1, 2))], n_rows=4)
    ...     len(open_path(f"{folder}/rows.npy"))
    4
    """
    ending = Path(path).suffix.lower()
    write = WRITERS.get(ending)
    if write is None:
        raise RecipeError(f"{one_line(path)}: rows cannot be written with this ending; known are {WRITABLE}")
    write(Path(path), Blocks(blocks, n_rows=n_rows, columns=columns, shape=shape, ids=ids))


def is_array(text: str | os.PathLike[str]) -> bool:
    """Return whether a name is that of a file format without column names (.npy, .npz, IDX).

    Parameters
    ----------
    text : str or path-like
        A file's name; the file need not exist.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_array("rows.npz:x"), is_array("table.csv"), is_array("iris")
    (True, False, False)
    """
    try:
        return format_of(npz.split_key(os.fsdecode(text))[0]).labels is None
    except RecipeError:
        return False


def format_of(path: Path) -> Format:
    """Return the format of a file by its name; raise RecipeError where the ending is unknown."""
    for each in FORMATS:
        if each.fits(path.name):
            return each
    raise RecipeError(f"{one_line(path)}: the format of this ending is unknown; known are {READABLE}")
