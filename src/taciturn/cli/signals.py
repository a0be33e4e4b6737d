"""Signals that end a command as Ctrl-C does: what was trained is kept, temporary files are removed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# SIGTERM: a batch system or a container ends the process; SIGHUP: its terminal has gone. Windows has no SIGHUP.
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block at SIGTERM and SIGHUP, unless the process ignores them, as under nohup."""
    changed = {}
    if threading.current_thread() is threading.main_thread():  # elsewhere no handler can be set
        changed = {number: signal.signal(number, _interrupt) for number in ENDING if _is_default(number)}
    try:
        yield
    finally:
        for number, handler in changed.items():
            signal.signal(number, handler)


def exit_status(interrupt: KeyboardInterrupt) -> int:
    """Return the status that shells give a process that a signal ended: 130 after Ctrl-C, 143 SIGTERM, 129 SIGHUP.

    Examples
    --------
    >>> exit_status(KeyboardInterrupt()), exit_status(KeyboardInterrupt(signal.SIGTERM))
    (130, 143)
    """
    return 128 + int(interrupt.args[0] if interrupt.args else signal.SIGINT)


def _is_default(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_DFL


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt(number)
