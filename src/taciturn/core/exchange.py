"""Exchange the names of two folders."""

import ctypes
import hashlib
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from .temporary import PREFIX

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # Linux: fcntl.h, linux/fs.h


def exchange(one: Path, other: Path) -> None:
    """Exchange the names of two folders of one file system, in one step where the system can.

    Elsewhere `other` is moved aside, then `one` takes its place. `restore_moved_aside` undoes what a process did that
    was killed in between.

    Parameters
    ----------
    one, other : Path
        Existing folders.

    Raises
    ------
    OSError
        A name cannot be changed. The folders then have the names that they had.
    """
    rename = _renameat2()
    if rename and rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return
    aside = _aside(other)
    other.rename(aside)
    try:
        one.rename(other)
    except BaseException:
        aside.rename(other)
        raise
    aside.rename(one)


def restore_moved_aside(target: Path) -> bool:
    """Move a folder back that `exchange` had moved aside when its process was killed.

    Parameters
    ----------
    target : Path
        The name that the folder had.

    Returns
    -------
    bool
        Whether there was such a folder and its name was free.
    """
    aside = _aside(target)
    if target.exists() or not aside.is_dir():
        return False
    aside.rename(target)
    return True


@cache
def _renameat2() -> Any:
    """Return Linux's system call, which can exchange two names in one step; None where there is none."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


def _aside(target: Path) -> Path:
    digest = hashlib.blake2b(os.fsencode(target.name), digest_size=8).hexdigest()
    return target.parent / f"{PREFIX}aside-{digest}"
