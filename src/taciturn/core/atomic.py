"""Write files and folders completely or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import TaciturnError


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path; its file replaces `path` when the block ends without an error.

    A reader finds the old file or the new one, never a part of one. After any failure the old file is unchanged.

    Parameters
    ----------
    path : str or path-like
        The file to write. Missing parent folders are made (and removed again after a failure); links are followed.

    Yields
    ------
    Path
        A free name in the same folder. It keeps the ending, because some writers choose the format by it.

    Raises
    ------
    TaciturnError
        `path` is not a regular file, or the disk refuses.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with atomic(f"{folder.name}/words.txt") as temporary:
    ...     _ = temporary.write_text("few")
    >>> Path(folder.name, "words.txt").read_text()
    'few'
    >>> folder.cleanup()
    """
    with _temporary_path(path) as (target, temporary):
        # Checked before the work, not after it. A device such as /dev/null would be replaced by a file.
        if target.exists() and not target.is_file():
            raise TaciturnError(f"{path} is not a file; choose another name")
        try:
            yield temporary
            _sync(temporary)
            os.replace(temporary, target)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(
    path: str | os.PathLike[str], *, overwrite: bool = False, mark: str = "config.json"
) -> Iterator[Path]:
    """Yield a temporary folder that becomes the folder `path` when the block ends without an error.

    Parameters
    ----------
    path : str or path-like
        The folder to write. It may exist if it is empty. Missing parent folders are made (and removed again after
        a failure); links are followed.
    overwrite : bool, default=False
        Whether a folder that holds the file `mark` is replaced. It is moved aside first, moved back if the new
        folder cannot take its place, and removed last.
    mark : str, default="config.json"
        Name of the file that marks a folder as written by taciturn. Any other folder is never overwritten.

    Yields
    ------
    Path
        An empty folder beside `path`.

    Raises
    ------
    TaciturnError
        `path` is a file, holds other files, or exists and `overwrite` is false; or the disk refuses.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with atomic_folder(f"{folder.name}/run") as temporary:
    ...     _ = (temporary / "words.txt").write_text("few")
    >>> Path(folder.name, "run", "words.txt").read_text()
    'few'
    >>> folder.cleanup()
    """
    with _temporary_path(path) as (target, temporary):
        if target.exists() and not target.is_dir():
            raise TaciturnError(f"{path} is not a folder; choose another name")
        if target.exists() and any(target.iterdir()):
            if not (target / mark).is_file():
                raise TaciturnError(f"{path} holds other files and no {mark}; choose another folder")
            if not overwrite:
                raise TaciturnError(
                    f"{path} exists; choose another folder, or overwrite it (--overwrite, overwrite=True)"
                )
        try:
            temporary.mkdir()
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    _sync(file)
            if overwrite and target.exists():
                _replace_folder(temporary, target)
            else:
                temporary.rename(target)  # fails if another run wrote its files there meanwhile
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _temporary_path(path: str | os.PathLike[str]) -> Iterator[tuple[Path, Path]]:
    """Yield the real location of `path` and a free name beside it; turn an OSError into a TaciturnError."""
    new_folders: list[Path] = []
    try:
        target = Path(os.path.realpath(path))
        new_folders = _missing_parents(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        yield target, _free_name(target)
    except BaseException as error:
        for folder in new_folders:
            with suppress(OSError):  # it was not made yet, or another process has put something into it
                folder.rmdir()
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise TaciturnError(f"{path} cannot be written: {reason}; choose another place") from error
        raise


def _missing_parents(target: Path) -> list[Path]:
    """Return the parent folders that do not exist, the innermost first."""
    existing = next((folder for folder in target.parents if folder.exists()), target)
    if not existing.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{existing} is not a folder")
    return [folder for folder in target.parents if not folder.exists()]


def _free_name(target: Path) -> Path:
    # Not tempfile's: those are readable by their owner only, and renaming keeps the mode.
    return target.parent / f".{target.stem}.{os.urandom(4).hex()}{target.suffix}"


def _sync(file: Path) -> None:
    # Otherwise the new name may reach the disk before the bytes do, and a power cut leaves an empty file.
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _replace_folder(temporary: Path, target: Path) -> None:
    old = _free_name(target)
    target.rename(old)
    try:
        temporary.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
