"""A progress bar for runs."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..model import Batch
from .run import Record, Run


class ProgressBar:
    """Hook and context manager that shows epoch, loss, mean activation and rows per second on standard error.

    Nothing is shown where standard error is not a terminal.

    Parameters
    ----------
    epochs : int
        The run's number of epochs.
    every : float, default=0.2
        Least time between two updates, in seconds.
    """

    def __init__(self, epochs: int, *, every: float = 0.2) -> None:
        self.every = every
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TextColumn("mean activation {task.fields[rate]:.3f}"),
            TextColumn("{task.fields[speed]:,.0f} rows/s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=epochs, loss=float("nan"), rate=float("nan"), speed=0.0)
        self._last_update, self._rows = time.perf_counter(), 0  # rows since the last update

    def __enter__(self) -> "ProgressBar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Show the record, if the last update is old enough: reading a number waits for the device."""
        self._rows += record.rows
        now = time.perf_counter()
        if self._bar.disable or now - self._last_update < self.every:
            return
        numbers = record.numbers
        self._bar.update(
            self._task,
            completed=run.epoch,
            loss=numbers["loss"].item(),
            rate=numbers["rates"].mean().item(),
            speed=self._rows / (now - self._last_update),
        )
        self._last_update, self._rows = now, 0
