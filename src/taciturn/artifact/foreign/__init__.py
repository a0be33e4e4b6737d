"""Dictionaries of other libraries: their files are read and written. No code of them is run."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...core.atomic import atomic_folder
from ...core.errors import ArtifactError, RecipeError
from ...core.messages import one_line
from . import circuit_tracer, dictionary_learning, gemma_scope, qwen_scope, saelens, sentence_transformers, sparsify
from .dictionary import Dictionary, dictionary_of

__all__ = ["FORMATS", "Dictionary", "dictionary_of", "format_of", "read", "write"]


@dataclass(frozen=True)
class Format:
    """A format of other libraries' dictionaries.

    Parameters
    ----------
    read : callable
        Returns the dictionary of a path.
    files : tuple of str
        The names of the files of a folder; () for a format of single files.
    write : callable or None
        Writes a dictionary's `files` into an existing folder; None for a layout that is only read.
    recognises : callable
        Returns whether a path is of this format, if it is not a folder without these files.
    also_written : tuple of str
        The names of the files that `write` writes beside `files`.
    transcoders, scaled_rows : bool, default=False
        Whether `write` writes transcoders, and dictionaries with a scaling of each row.
    """

    read: Callable[[Path], Dictionary]
    files: tuple[str, ...] = ()
    write: Callable[[Dictionary, Path], None] | None = None
    recognises: Callable[[Path], bool] = lambda path: True
    also_written: tuple[str, ...] = ()
    transcoders: bool = False
    scaled_rows: bool = False

    def fits(self, path: Path) -> bool:
        """Return whether a path is of this format."""
        return all((path / name).is_file() for name in self.files) and self.recognises(path)


FORMATS = {
    "saelens": Format(
        saelens.read, (saelens.CONFIG, saelens.WEIGHTS), saelens.write, transcoders=True, scaled_rows=True
    ),
    "sparsify": Format(sparsify.read, (sparsify.CONFIG, sparsify.WEIGHTS), sparsify.write, transcoders=True),
    "dictionary_learning": Format(
        dictionary_learning.read,
        (dictionary_learning.CONFIG, dictionary_learning.WEIGHTS),
        dictionary_learning.write,
    ),
    "sentence-transformers": Format(
        sentence_transformers.read,
        (sentence_transformers.CONFIG, sentence_transformers.WEIGHTS),
        sentence_transformers.write,
        sentence_transformers.recognises,
    ),
    "circuit-tracer": Format(
        circuit_tracer.read,
        (circuit_tracer.CONFIG,),
        circuit_tracer.write,
        circuit_tracer.recognises,
        (circuit_tracer.WEIGHTS,),
        transcoders=True,
    ),
    "gemma-scope": Format(gemma_scope.read, (gemma_scope.CONFIG, gemma_scope.WEIGHTS)),
    "qwen-scope": Format(qwen_scope.read, recognises=qwen_scope.recognises),
}


def format_of(path: str | os.PathLike[str]) -> str | None:
    """Return the name of the format of a path, by the names of its files; None if it is of none.

    Parameters
    ----------
    path : str or path-like
        A folder, or a file of Qwen-Scope.

    Returns
    -------
    str or None
    """
    try:
        return next((name for name, each in FORMATS.items() if each.fits(Path(path))), None)
    except (OSError, ValueError):  # a name that is too long, or holds a null character
        return None


def read(path: str | os.PathLike[str]) -> Dictionary:
    """Return the dictionary of a folder that another library wrote.

    Parameters
    ----------
    path : str or path-like
        A folder of SAELens, sparsify, dictionary_learning, sentence-transformers, circuit-tracer or Gemma Scope 2, or
        a file of Qwen-Scope.

    Returns
    -------
    Dictionary

    Raises
    ------
    ArtifactError
        The path is of no known format, or a file is missing or damaged; the message has its name.
    """
    name = format_of(path)
    if name is None:
        raise ArtifactError(f"{one_line(path)} is not a dictionary of {', '.join(FORMATS)}")
    try:
        return FORMATS[name].read(Path(path))
    except ArtifactError as error:
        message = str(error)
        raise ArtifactError(message if one_line(path) in message else f"{one_line(path)}: {message}") from error


def write(dictionary: Dictionary, path: str | os.PathLike[str], to: str, *, overwrite: bool = False) -> None:
    """Write a dictionary to a new folder in the format of another library, completely or not at all.

    Parameters
    ----------
    dictionary : Dictionary
        The dictionary.
    path : str or path-like
        The folder.
    to : str
        The format's name.
    overwrite : bool, default=False
        Whether to replace a dictionary's folder. A folder that holds anything else is never replaced.

    Raises
    ------
    RecipeError
        The format is unknown or only read, or it cannot express the coding layer.
    TaciturnError
        The folder holds other files, or exists and `overwrite` is false, or it cannot be written.
    """
    writers = {name: each.write for name, each in FORMATS.items() if each.write is not None}
    if to not in writers:
        raise RecipeError(f"to={to!r} is none of {', '.join(writers)}")
    if dictionary.transcodes and not FORMATS[to].transcoders:
        able = ", ".join(name for name, each in FORMATS.items() if each.transcoders)
        raise RecipeError(f"{to} has no transcoders; convert to {able}")
    if dictionary.scaling != "none" and not FORMATS[to].scaled_rows:
        able = ", ".join(name for name, each in FORMATS.items() if each.scaled_rows)
        raise RecipeError(f"{to} has no scaling of each row ({dictionary.scaling!r}); convert to {able}")
    with atomic_folder(path, overwrite=overwrite, objection=_objection) as folder:
        writers[to](dictionary, folder)


def _objection(folder: Path) -> str | None:
    """Return why a folder may not be replaced; None if it is a dictionary's and holds nothing else."""
    names = {entry.name for entry in folder.iterdir()}
    if any(names == {*each.files, *each.also_written} for each in FORMATS.values() if each.write is not None):
        return None
    return "holds files that taciturn did not write"
