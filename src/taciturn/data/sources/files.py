"""The door for files: the name's ending says the format, and what is wrong is said in one line."""

import os
import re
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path

from ...core.errors import DataError, RecipeError
from . import csv, idx, npy, parquet
from .blocks import Blocks
from .columns import Names, select
from .source import Array, Source

_WRITERS = {".npy": npy.write, ".npz": npy.write_archive, ".csv": csv.write, ".parquet": parquet.write}
_READABLE = ".npy, .npz, .npz:KEY, .csv, .parquet, .idx, -ubyte (the last two also .gz)"


def open_path(text: str | os.PathLike[str], *, columns: Names | None = None, drop: Names | None = None) -> Source:
    """Return the rows of a file, whose format its name tells; `.npz:key` names an archive's array.

    >>> open_path("notes.txt")
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: notes.txt: ... known are .npy, .npz, .npz:KEY, .csv, .parquet, ...
    """
    path, key = _split(os.fspath(text))
    ending = _ending(path)
    # os.path, since pathlib raises on names that are too long.
    if os.path.isdir(path):
        raise DataError(f"{path} is a folder; name a file in it")
    if not os.path.exists(path):
        raise DataError(f"{path}: no such file; mend the name")
    if os.path.getsize(path) == 0:
        raise DataError(f"{path}: the file is empty; give one with rows")
    try:
        source = _read(path, ending, key, columns, drop)
    except DataError as error:
        raise type(error)(f"{path}: {error}") from error
    except Exception as error:
        # A decoder raises whatever it likes on broken bytes: struct, zip, zlib, Arrow, memory …
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{path} cannot be read as {ending}: {reason}; is it whole, and its ending right?") from error
    if len(source) == 0 or prod(source.shape) == 0:
        lacking = "columns" if len(source) else "rows"
        raise DataError(f"{path} holds no {lacking}; give a file that does")
    return source


def write_path(
    path: str | os.PathLike[str],
    blocks: Iterable[Array],
    *,
    n_rows: int,
    columns: Sequence[str] | None = None,
    shape: tuple[int, ...] | None = None,
) -> None:
    """Write blocks [rows, n_columns] one by one as .npy, .npz (array `rows`), .csv or .parquet.

    `shape` is a row's, for the formats that can hold it: images go back into .npy as images. Only one block is in
    memory at a time, and the file stands only once it is whole.
    """
    write = _WRITERS.get(Path(path).suffix.lower())
    if write is None:
        raise RecipeError(f"{path}: rows cannot be written by this ending; known are {', '.join(_WRITERS)}")
    write(path, Blocks(blocks, n_rows=n_rows, columns=columns, shape=shape))


def is_array(text: str | os.PathLike[str]) -> bool:
    """Return whether a name is that of a file whose columns have no names.

    >>> is_array("rows.npz:x"), is_array("table.csv"), is_array("iris")
    (True, False, False)
    """
    try:
        return _ending(_split(os.fspath(text))[0]) in (".npy", ".npz", ".idx")
    except RecipeError:
        return False


def _split(text: str) -> tuple[Path, str | None]:
    archive = re.fullmatch(r"(.+\.npz):(.+)", text, flags=re.IGNORECASE)
    return (Path(archive[1]), archive[2]) if archive else (Path(text), None)


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending in _WRITERS:
        return ending
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(("-ubyte", ".idx")) or "idx" in name:
        return ".idx"
    raise RecipeError(f"{path}: the ending does not tell the format; known are {_READABLE}")


def _read(path: Path, ending: str, key: str | None, columns: Names | None, drop: Names | None) -> Source:
    # Tables choose their columns themselves: what is dropped need not be numbers.
    match ending:
        case ".csv":
            return csv.read(path, columns=columns, drop=drop)
        case ".parquet":
            return parquet.read(path, columns=columns, drop=drop)
        case ".npy":
            rows = npy.read(path)
        case ".npz":
            rows = npy.read_archive(path, key=key)
        case _:
            rows = idx.read(path)
    return select(rows, columns, drop)
