"""The command line in several processes, as torchrun starts them: the first prints, and all end without teardown."""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from ..core.errors import RecipeError

COMMANDS = ("fit", "resume")


def several() -> bool:
    """Return whether this process is one of several that torchrun started."""
    return os.environ.get("WORLD_SIZE", "1") != "1"


def check_command(name: str | None) -> None:
    """Raise RecipeError if several processes run a command that they do not share."""
    if several() and name not in COMMANDS:
        raise RecipeError(
            f"taciturn {name} works in one process, but torchrun started {os.environ['WORLD_SIZE']}; start it without "
            f"torchrun, which is for taciturn {' and taciturn '.join(COMMANDS)}"
        )


def run_together(command: Callable[[], object]) -> NoReturn:
    """Run a command and end the process; only the first of the processes prints.

    It ends by `os._exit`: where torch's threads still hold connections, gloo can abort the process in its teardown.
    """
    status: int = 1
    if not _is_first():
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (until the process ends)
    try:
        command()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)  # a fault of taciturn
    for stream in (sys.stdout, sys.__stderr__):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()  # type: ignore[union-attr]
    os._exit(status)


def shows_failure(error: BaseException) -> bool:
    """Return whether this process is to print a failure: the first one that fails; after a signal the first of all."""
    if not several():
        return True
    from ..training.processes import is_first_failure

    shows = _is_first() if isinstance(error, KeyboardInterrupt) else is_first_failure()
    if shows and sys.__stderr__ is not None:
        sys.stderr = sys.__stderr__
    return shows


def _is_first() -> bool:
    return os.environ.get("RANK", "0") == "0"
