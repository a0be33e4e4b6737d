"""What went wrong, in one line and an exit status."""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass

from ..core.errors import RecipeError, TaciturnError
from .signals import exit_status

CLOSED_PIPE = 141  # what shells report of a process that SIGPIPE ended
# how torch and the system's loader word it, in exceptions of other classes
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "cannot allocate memory", "failed to map segment")


@dataclass(frozen=True)
class Failure:
    """An error as the command line shows it.

    Parameters
    ----------
    message : str
        What is wrong and what to change; empty if nothing would read it.
    status : int
        The exit status.
    """

    message: str
    status: int


def failure_of(error: BaseException) -> Failure | None:
    """Return what the command line shows of an error; None for a fault of taciturn, which keeps its traceback.

    Parameters
    ----------
    error : BaseException
        What a command raised.

    Returns
    -------
    Failure or None

    Examples
    --------
    >>> failure_of(RecipeError("seed=-1 must be 0 or more"))
    Failure(message='seed=-1 must be 0 or more', status=2)
    """
    if isinstance(error, TaciturnError):
        return Failure(str(error), 2 if isinstance(error, RecipeError) else 1)
    if isinstance(error, KeyboardInterrupt):
        return Failure("interrupted; nothing was written", exit_status(error))
    if isinstance(error, BrokenPipeError):
        _discard_output()
        return Failure("", CLOSED_PIPE)
    if _is_out_of_memory(error):
        return Failure("there is not enough memory; give fewer latents, smaller batches or fewer rows", 1)
    if not isinstance(error, OSError):
        return None
    if error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror or error}; name another file or folder", 1)
    _discard_output()  # the streams have no name
    return Failure(f"the output cannot be printed: {error.strerror or error}; print to another place", 1)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    # ImportError: a library that could not be loaded; torch raises RuntimeError
    known = isinstance(error, RuntimeError | OSError | ImportError)
    return known and any(words in str(error).lower() for words in OUT_OF_MEMORY)


def _discard_output() -> None:
    """Send what is still to be printed nowhere; else Python meets the error again when it exits."""
    with suppress(OSError, ValueError):  # the stream is not a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
