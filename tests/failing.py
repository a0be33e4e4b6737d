"""The command line, of which one process fails in the middle of a run: it raises an error, hangs or is killed, once."""

import os
import signal
import sys
import time
from pathlib import Path

from taciturn.cli import main
from taciturn.core.errors import DataError
from taciturn.training import run


def fail(failure):
    if failure == "raises":
        raise DataError("row 7 is damaged")
    if failure == "hangs":
        time.sleep(1000)
    os.kill(os.getpid(), signal.SIGKILL)


def failing(update, failure, marker):
    """Return `update`, which fails before step 7 in process 1, or the only one, unless a file is there; it makes it."""

    def failing_update(run, *arguments):
        if os.environ.get("RANK", "1") == "1" and run.steps == 7 and not marker.exists():
            marker.touch()
            fail(failure)
        return update(run, *arguments)

    return failing_update


if __name__ == "__main__":
    failure, marker, *sys.argv[1:] = sys.argv[1:]
    run.update = failing(run.update, failure, Path(marker))
    main()
