"""Changes that Ctrl-C, or another signal that ends a process, must not leave half done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..core.world import SINGLE_PROCESS, Axis

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let an interrupt (SIGINT) wait until the block is done.

    For a few changes that belong together, such as those of all tensors that a permutation of latents concerns. Only
    the main thread is interrupted; in other threads it does nothing.

    Examples
    --------
    >>> import os
    >>> done = []
    >>> try:
    ...     with uninterrupted():
    ...         os.kill(os.getpid(), signal.SIGINT)
    ...         done.append(True)
    ... except KeyboardInterrupt:
    ...     print("interrupted after", done)
    interrupted after [True]
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    received: list[tuple[Any, ...]] = []
    signal.signal(signal.SIGINT, lambda *arguments: received.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if received:
            handler(*received[0])


class HeldSignals:
    """Context in which SIGINT, SIGTERM and SIGHUP wait until `deliver` is called, or until the context ends.

    A second signal of the same kind does not wait, unless several processes train together: the program that started
    them may send each signal twice. Only the main thread gets signals; in other threads, and for signals that are
    ignored, it does nothing.

    Parameters
    ----------
    processes : Axis, default=SINGLE_PROCESS
        The processes that train together.

    Attributes
    ----------
    received : list of int
        The signals that wait.
    """

    def __init__(self, processes: Axis = SINGLE_PROCESS) -> None:
        self.processes = processes
        self.received: list[int] = []
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> "HeldSignals":
        if threading.current_thread() is threading.main_thread():
            numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
            held = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
            self._handlers = {number: signal.signal(number, self._hold) for number in held}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self.received:
            signal.raise_signal(self.received[0])

    def share(self) -> bool:
        """Return whether signals wait; one that any of the processes has received waits in all of them."""
        if self.processes.size > 1:
            numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
            known = list(self.received)  # one that arrives while this waits is shared by the next call
            here = torch.tensor([number in known for number in numbers], dtype=torch.int32)
            everywhere = self.processes.max(here).tolist()
            shared = [number for number, received in zip(numbers, everywhere, strict=True) if received]
            self.received += [number for number in shared if number not in known]
            return bool(shared)
        return bool(self.received)

    def deliver(self) -> None:
        """Let the signals that wait act, as they would have without this context."""
        received, self.received = self.received, []
        for number in received:
            signal.signal(number, self._handlers.get(number, signal.default_int_handler))
            signal.raise_signal(number)
            signal.signal(number, self._hold)

    def _hold(self, number: int, frame: Any) -> None:
        self.received.append(number)
        if self.received.count(number) > 1 and self.processes.size == 1:
            self.deliver()
