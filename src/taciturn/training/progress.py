"""A line that moves while a run trains."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..model import Batch
from .run import Record, Run


class ProgressBar:
    """Shows epoch, loss, rate and rows a second on standard error; shows nothing where that is no terminal."""

    def __init__(self, epochs: int, *, every: float = 0.2) -> None:
        self.every = every
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.4f}  rate {task.fields[rate]:.3f}  {task.fields[speed]:,.0f} rows/s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=epochs, loss=float("nan"), rate=float("nan"), speed=0.0)
        self._shown, self._rows = time.perf_counter(), 0

    def __enter__(self) -> "ProgressBar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Show the record, at most five times a second: reading a number waits for the device."""
        self._rows += record.rows
        now = time.perf_counter()
        if self._bar.disable or now - self._shown < self.every:
            return
        numbers = record.numbers
        self._bar.update(
            self._task,
            completed=run.epoch,
            loss=numbers["loss"].item(),
            rate=numbers["rates"].mean().item(),
            speed=self._rows / (now - self._shown),
        )
        self._shown, self._rows = now, 0
