"""Put files and folders in their place whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import TaciturnError


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path whose file takes the place of `path` once the block has ended well.

    A reader finds the old file or the new one, never a part; after any failure the old one still stands.
    Missing parent folders are made, links are followed, and the temporary path keeps the ending, since some
    writers choose the format by it.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with atomic(f"{folder.name}/words.txt") as temporary:
    ...     _ = temporary.write_text("few")
    >>> Path(folder.name, "words.txt").read_text()
    'few'
    >>> folder.cleanup()
    """
    with _written(path) as (target, temporary):
        # Before the work, not after it. And a device such as /dev/null would be replaced by a file.
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
    """Yield a temporary folder that becomes the folder `path` once the block has ended well.

    An empty folder may stand there. With `overwrite` one that holds the file `mark`, and so is of our making, is moved
    aside, put back if the new one cannot take its place, and removed after the new one stands; any other is kept.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with atomic_folder(f"{folder.name}/run") as temporary:
    ...     _ = (temporary / "words.txt").write_text("few")
    >>> Path(folder.name, "run", "words.txt").read_text()
    'few'
    >>> folder.cleanup()
    """
    with _written(path) as (target, temporary):
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
                _exchange(temporary, target)
            else:
                temporary.rename(target)  # fails if another run put its files there meanwhile
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _written(path: str | os.PathLike[str]) -> Iterator[tuple[Path, Path]]:
    """Yield where `path` really lies and a free name beside it; what the disk refuses becomes one line."""
    made: list[Path] = []
    try:
        target = Path(os.path.realpath(path))
        made = _missing_parents(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        yield target, _beside(target)
    except BaseException as error:
        for folder in made:
            with suppress(OSError):  # not there yet, or others have put something into it
                folder.rmdir()
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise TaciturnError(f"{path} cannot be written: {reason}; choose another place") from error
        raise


def _missing_parents(target: Path) -> list[Path]:
    """Return the folders above that are to be made, the innermost first."""
    standing = next((folder for folder in target.parents if folder.exists()), target)
    if not standing.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{standing} is no folder")
    return [folder for folder in target.parents if not folder.exists()]


def _beside(target: Path) -> Path:
    # Not tempfile's: those are readable by their owner only, and the mode would stay after the renaming.
    return target.parent / f".{target.stem}.{os.urandom(4).hex()}{target.suffix}"


def _sync(file: Path) -> None:
    # Else the new name may reach the disk before the bytes do, and a power cut leaves an empty file.
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _exchange(temporary: Path, target: Path) -> None:
    aside = _beside(target)
    target.rename(aside)
    try:
        temporary.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
