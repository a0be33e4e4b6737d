"""Write files and folders completely or not at all."""

import errno
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from .errors import TaciturnError
from .exchange import exchange, restore_moved_aside
from .messages import one_line
from .temporary import PREFIX, LeftOver, temporary_path, warn_of_leftovers

Objection = Callable[[Path], str | None]
MAX_NAME_BYTES = 255  # of a file's name, on all common file systems
MAX_PATH_CHARS = 1000  # of a path in a message
OVERWRITE = "--overwrite, overwrite=True"


class Refusal(NamedTuple):
    """Why a folder may not be written, as the end of a sentence, and what to change."""

    reason: str
    mend: str = "choose another folder"


@contextmanager
def atomic(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[Path]:
    """Yield a temporary path; its file replaces `path` when the block ends without an error.

    A reader finds the old file or the new one, never a part of one. After any failure the old file is unchanged.

    Parameters
    ----------
    path : str or path-like
        The file to write. Missing parent folders are made (and removed again after a failure); links are followed.
    overwrite : bool, default=True
        Whether an existing file is replaced.

    Yields
    ------
    Path
        An empty file in the same folder. It keeps the ending, because some writers choose the format by it.

    Raises
    ------
    TaciturnError
        `path` is not a regular file, or exists and `overwrite` is false, or the disk refuses.

    Warns
    -----
    LeftOver
        A killed process left a temporary path in the same folder.

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
    with _target(path) as target:
        # Checked before the work, not after it. A device such as /dev/null would be replaced by a file.
        if target.exists() and not target.is_file():
            raise TaciturnError(f"{_shown(path)} is not a file; choose another name")
        if target.exists() and not overwrite:
            raise TaciturnError(f"{_shown(path)} exists; choose another name, or overwrite it ({OVERWRITE})")
        warn_of_leftovers(target.parent)
        with temporary_path(target, folder=False) as temporary:
            try:
                yield temporary
                _sync(temporary)
                os.replace(temporary, target)
                _sync_folder(target.parent)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike[str], *, overwrite: bool = False, objection: Objection) -> Iterator[Path]:
    """Yield a temporary folder that becomes the folder `path` when the block ends without an error.

    Parameters
    ----------
    path : str or path-like
        The folder to write. It may exist if it is empty. Missing parent folders are made (and removed again after
        a failure); links are followed.
    overwrite : bool, default=False
        Whether a folder without an objection is replaced. It is removed after the new one has taken its place.
    objection : callable
        Returns why an existing folder must not be replaced, as the end of a sentence; None if it may be.

    Yields
    ------
    Path
        An empty folder beside `path`.

    Raises
    ------
    TaciturnError
        `path` is a file, has an objection, or exists and `overwrite` is false; or the disk refuses. All of it is
        checked again after the block. What was written is then kept beside `path`, and the message names it.

    Warns
    -----
    LeftOver
        A killed process left a temporary path in the same folder, or had moved the folder `path` aside.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with atomic_folder(f"{folder.name}/run", objection=lambda folder: "exists") as temporary:
    ...     _ = (temporary / "words.txt").write_text("few")
    >>> Path(folder.name, "run", "words.txt").read_text()
    'few'
    >>> folder.cleanup()
    """
    with _checked(path, overwrite, objection) as target, temporary_path(target, folder=True) as temporary:
        try:
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    _sync(file)
            _sync_folder(temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        try:
            reason = _place(temporary, target, overwrite, objection)
            _sync_folder(target.parent)
        except OSError as error:
            reason = f"cannot be written: {_reason(error)}"
        if reason:
            kept = _keep_beside(temporary, target)
            raise TaciturnError(f"{_shown(path)} {reason}; what was to be written there is in {_shown(kept)}")


def check_folder(path: str | os.PathLike[str], *, overwrite: bool = False, objection: Objection) -> None:
    """Raise unless `atomic_folder` could write a folder now; for callers that work for long before they write.

    Parameters
    ----------
    path, overwrite, objection
        As for `atomic_folder`.

    Raises
    ------
    TaciturnError
        As by `atomic_folder`.
    """
    with _checked(path, overwrite, objection) as target, temporary_path(target, folder=True) as temporary:
        temporary.rmdir()


@contextmanager
def _checked(path: str | os.PathLike[str], overwrite: bool, objection: Objection) -> Iterator[Path]:
    """Yield the real location of a folder that may be written."""
    with _target(path) as target:
        if restore_moved_aside(target):
            warnings.warn(
                LeftOver(f"{_shown(path)} was moved aside by a process that was killed; it is restored"), stacklevel=2
            )
        warn_of_leftovers(target.parent)
        if refusal := _refusal(target, overwrite, objection):
            raise TaciturnError(f"{_shown(path)} {refusal.reason}; {refusal.mend}")
        yield target


@contextmanager
def _target(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the real location of `path`, whose folder exists; turn an OSError into a TaciturnError."""
    text = os.fspath(path)
    if not text or "\0" in text:
        raise TaciturnError(f"{text!r} is not the name of a file or folder; choose another name")
    new_folders: list[Path] = []
    try:
        target = Path(os.path.realpath(text))
        new_folders = _missing_parents(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        yield target
    except OSError as error:
        raise TaciturnError(f"{_shown(path)} cannot be written: {_reason(error)}; choose another place") from error
    finally:
        for folder in new_folders:
            with suppress(OSError):  # it was not made, or something is in it
                folder.rmdir()


def _missing_parents(target: Path) -> list[Path]:
    """Return the parent folders that do not exist, the innermost first."""
    existing = next((folder for folder in target.parents if folder.exists()), target)
    if not existing.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{_shown(existing)} is not a folder")
    return [folder for folder in target.parents if not folder.exists()]


def _refusal(target: Path, overwrite: bool, objection: Objection) -> Refusal | None:
    if not target.exists():
        return None
    if not target.is_dir():
        return Refusal("is not a folder", "choose another name")
    if not any(target.iterdir()):
        return None
    if reason := objection(target):
        return Refusal(reason)
    return None if overwrite else Refusal("exists", f"choose another folder, or overwrite it ({OVERWRITE})")


def _place(temporary: Path, target: Path, overwrite: bool, objection: Objection) -> str | None:
    """Give the temporary folder its name; return why not, if another process has changed the target meanwhile."""
    if refusal := _refusal(target, overwrite, objection):
        return refusal.reason
    if not (target.exists() and any(target.iterdir())):
        temporary.rename(target)  # fails if something was put there since the line above
        return None
    exchange(temporary, target)
    if reason := objection(temporary):  # of the old folder: something was put there since the first check
        exchange(temporary, target)
        return reason
    shutil.rmtree(temporary, ignore_errors=True)
    return None


def _keep_beside(temporary: Path, target: Path) -> Path:
    """Give the temporary folder a free name like the target's; return its path, which is the old one if that fails."""
    for number in range(1, 1000):
        ending = f"-new-{number}"
        name = os.fsencode(target.name)[: MAX_NAME_BYTES - len(ending)].decode("utf-8", "ignore")
        with suppress(OSError):
            return temporary.rename(target.parent / f"{name}{ending}")  # fails if another folder has this name
    return temporary


def _sync(file: Path) -> None:
    # Otherwise the new name may reach the disk before the bytes do, and a power cut leaves an empty file.
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    # the names in it; some file systems and Windows cannot
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: OSError) -> str:
    reason = one_line(error.strerror or error)
    # Arrow's messages name the temporary path, which is not the user's.
    return os.strerror(error.errno) if PREFIX in reason and error.errno else reason


def _shown(path: object) -> str:
    return one_line(path, MAX_PATH_CHARS)
