"""What went wrong, in one line and an exit status."""

import os
import sys
from contextlib import suppress

from ..core.errors import RecipeError, TaciturnError
from .signals import exit_status

CLOSED_PIPE = 141  # what shells report of a process that SIGPIPE ended
# how torch and the system's loader word it, in exceptions of other classes
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "cannot allocate memory", "failed to map segment")


def described(error: BaseException) -> tuple[str | None, int]:
    """Return the message of an error that is not a fault of taciturn, and the exit status.

    Parameters
    ----------
    error : BaseException
        What a command raised.

    Returns
    -------
    message : str or None
        None: the error is a fault of taciturn, or its exit status is set already; it should be raised again. The
        message of a closed pipe is empty, because nothing reads it.
    status : int
        The exit status.
    """
    if isinstance(error, TaciturnError):
        return str(error), 2 if isinstance(error, RecipeError) else 1
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; nothing was written", exit_status(error)
    if isinstance(error, BrokenPipeError):
        _discard_output()
        return "", CLOSED_PIPE
    if isinstance(error, MemoryError) or _is_out_of_memory(error):
        return "there is not enough memory; give fewer latents, smaller batches or fewer rows", 1
    if isinstance(error, OSError):
        if error.filename is None:
            _discard_output()
            return f"the output cannot be printed: {error.strerror or error}; write it to another place", 1
        return f"{error.filename}: {error.strerror or error}; name another file or folder", 1
    return None, 1


def _is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error tells of missing memory; one while a library is loaded often names the first one."""
    return isinstance(error, RuntimeError | OSError | ImportError) and any(
        words in str(error).lower() for words in OUT_OF_MEMORY
    )


def _discard_output() -> None:
    """Send what is still to be printed nowhere; else Python meets the error again when it exits."""
    with suppress(OSError, ValueError):  # the stream is not a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
