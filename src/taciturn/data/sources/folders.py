"""Folders of files of rows, and patterns of their names, in natural order: part-2 before part-10."""

import glob
import os
import re

from ...core.errors import DataError
from ...core.messages import listed, one_line
from .local_file import LocalFile


def natural(name: str) -> list[tuple[int, int | str]]:
    """Return the key by which names are sorted: numbers in them count as numbers.

    Examples
    --------
    >>> sorted(["part-10", "part-2", "Part-1"], key=natural)
    ['Part-1', 'part-2', 'part-10']
    """
    return [(0, int(part)) if part.isdigit() else (1, part.lower()) for part in re.split(r"([0-9]+)", name) if part]


def is_pattern(text: str) -> bool:
    """Return whether a text is a pattern of file names, and not itself the name of a file or a folder."""
    return glob.has_magic(text) and not os.path.exists(text)


def files_in(text: str) -> list[LocalFile]:
    """Return the files in a folder, or of those that a pattern names, in natural order.

    Parameters
    ----------
    text : str
        A folder, or a pattern with *, ?, [abc] and ** (any number of folders).

    Returns
    -------
    list of LocalFile
        Without hidden files and those whose name begins with _. Of a folder the files in it; those in folders below
        only where these are named like column=value.

    Raises
    ------
    DataError
        There is none, or the folder holds several splits of a data set.
    """
    if is_pattern(text):
        paths = [path for path in glob.glob(text, recursive=True) if os.path.isfile(path)]
        if not paths:
            raise DataError(f"{one_line(text)}: no file has such a name; correct the pattern")
        return [LocalFile.of(path) for path in sorted(paths, key=natural)]
    return [LocalFile.of(path) for path in sorted(_in_folder(text), key=natural)]


def _in_folder(text: str) -> list[str]:
    names = [name for name in os.listdir(text) if not name.startswith((".", "_"))]
    if "dataset_dict.json" in names:
        splits = [name for name in names if os.path.isdir(os.path.join(text, name))]
        name = one_line(text)
        raise DataError(f"{name} holds several data sets, {listed(splits)}; name one, as in {name}/{splits[0]}")
    paths = [os.path.join(text, name) for name in names]
    below = [path for path in paths if os.path.isdir(path) and "=" in os.path.basename(path)]
    files = [path for path in paths if os.path.isfile(path)]
    return [*files, *(file for folder in below for file in _in_folder(folder))]
