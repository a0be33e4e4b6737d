"""Temporary names beside a target; what a killed process left there is found and named."""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import TaciturnWarning
from .messages import listed, one_line

try:
    import fcntl
except ImportError:  # Windows: leftovers are not recognised there
    fcntl = None  # type: ignore[assignment]

PREFIX = ".taciturn-"
MAX_SUFFIX_BYTES = 16  # a longer ending names no format


class LeftOver(TaciturnWarning):
    """A killed process left a temporary file or folder behind."""


@contextmanager
def temporary_path(target: Path, *, folder: bool) -> Iterator[Path]:
    """Yield a new empty file or folder beside a target; whoever opens it may rename it.

    It is locked for as long as the block runs. The system removes the lock of a killed process, so that an unlocked
    temporary path is known to be left over: `warn_of_leftovers` names it.

    Parameters
    ----------
    target : Path
        The path that the temporary one will replace. The name does not depend on the target's length; a short ending
        is kept, because some writers choose the format by it.
    folder : bool
        Whether to make a folder.

    Yields
    ------
    Path

    Raises
    ------
    OSError
        The place cannot be written.
    """
    suffix = "" if folder or len(os.fsencode(target.suffix)) > MAX_SUFFIX_BYTES else target.suffix
    # Not tempfile's: those are readable by their owner only, and renaming keeps the mode.
    temporary = target.parent / f"{PREFIX}{os.urandom(6).hex()}{suffix}"
    if folder:
        temporary.mkdir()
    else:
        temporary.touch(exist_ok=False)
    with _locked(temporary):
        yield temporary


def warn_of_leftovers(place: Path) -> None:
    """Warn of what killed processes left in a folder.

    Parameters
    ----------
    place : Path
        An existing folder.

    Warns
    -----
    LeftOver
        There is a temporary path that no process holds.
    """
    names: list[str] = []
    with suppress(OSError), os.scandir(place) as entries:  # a folder that may be written, but not read
        names = sorted(entry.name for entry in entries if entry.name.startswith(PREFIX) and _is_free(entry.path))
    if names:
        warnings.warn(
            LeftOver(f"{one_line(place)}: {listed(names)} was left by a process that was killed; delete it"),
            stacklevel=2,
        )


def remove_leftovers(place: Path) -> None:
    """Remove what killed processes left in a folder that only taciturn writes to."""
    for path in place.glob(f"{PREFIX}*"):
        if _is_free(str(path)):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False if another process holds it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = None
    if fcntl is not None:
        with suppress(OSError):  # a file system without locks
            descriptor = os.open(path, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _is_free(path: str) -> bool:
    """Return whether no process holds a temporary path; False where that cannot be known."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
