"""taciturn watch: the curves of a running fit, in the terminal."""

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..core.errors import ArtifactError
from ..core.messages import one_line
from ..core.run_folder import LOG
from .app import Command, app
from .curve import curve, is_logarithmic
from .options import RunFolder

SECONDS = 1.0  # between two looks at the log
HEIGHT = 3  # lines of a curve
MAX_POINTS = 4096  # of a curve; when there are more, every second one is dropped
NOT_CURVES = ("step", "epoch", "rows", "seconds", "time", "learning_rate")


@dataclass
class Progress:
    """What a log tells so far: the run's facts, the position, and the curves.

    Parameters
    ----------
    facts : dict
        The values of the log's first line.
    steps, epoch : int
        Number of steps done and of the last one's epoch.
    stopped : str or None
        Why the run stopped early.
    ended : bool
        Whether it has ended.
    losses : list of float
        The loss of each step, or of every second, fourth, …
    intervals : dict of str to list of float
        The numbers of each interval by name.
    last_checkpoint : str
        What is known of the last checkpoint; "" if there is none.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    epoch: int = 0
    stopped: str | None = None
    ended: bool = False
    losses: list[float] = field(default_factory=list)
    intervals: dict[str, list[float]] = field(default_factory=dict)
    last_checkpoint: str = ""
    _stride: int = 1
    _seen: int = 0

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """Take more lines of the log."""
        for line in lines:
            kind = line.get("kind")
            if kind == "run":
                self.facts = line
            elif kind == "step":
                self._add_step(line)
            elif kind == "interval":
                self.steps = max(self.steps, line["step"] + 1)
                for name, value in line.items():
                    if isinstance(value, int | float) and name not in NOT_CURVES:
                        self.intervals.setdefault(name, []).append(float(value))
            elif kind == "checkpoint":
                self.last_checkpoint = f"{one_line(line['name'])}, at step {line['steps']:,}"
            elif kind == "resume":
                self.ended, self.stopped = False, None
            elif kind == "end":
                self.ended, self.stopped, self.steps = True, line.get("stopped"), line["steps"]

    def _add_step(self, line: dict[str, Any]) -> None:
        self.steps, self.epoch = line["step"] + 1, line["epoch"]
        if self._seen % self._stride == 0:
            self.losses.append(float(line["loss"]))
        self._seen += 1
        if len(self.losses) > MAX_POINTS:
            self.losses, self._stride = self.losses[::2], 2 * self._stride

    def position(self) -> str:
        """Return where the run is, in words."""
        text = f"step {self.steps:,}"
        if of := self.facts.get("steps"):
            text += f" of {of:,} ({min(self.steps / of, 1):.0%})"
        if epochs := self.facts.get("epochs"):
            text += f", epoch {self.epoch + 1:,} of {epochs:,}"
        if self.ended:
            text += f"; stopped: {one_line(self.stopped)}" if self.stopped else "; ended"
        return text

    def curves(self) -> Iterator[tuple[str, list[float]]]:
        """Yield each curve's name and values: the loss of steps, then what intervals measured, two numbers or more."""
        yield "loss of steps", self.losses
        for name, values in self.intervals.items():
            if len(values) > 1:
                yield one_line(name.replace("_", " ")), values


def drawn(title: str, progress: Progress, width: int) -> Text:
    """Return the picture of a run.

    Parameters
    ----------
    title : str
        Its first words.
    progress : Progress
        The run.
    width : int
        Characters of a line.

    Returns
    -------
    rich.text.Text
    """
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{one_line(title)}\n", style="bold").append(f"{progress.position()}\n")
    if progress.last_checkpoint:
        text.append(f"last checkpoint: {progress.last_checkpoint}\n", style="dim")
    for name, values in progress.curves():
        finite = [value for value in values if math.isfinite(value)]
        if not finite:
            continue
        scale = ", logarithmic" if is_logarithmic(finite) else ""
        text.append(f"\n{name}", style="bold").append(f"  {values[-1]:.4g}")
        text.append(f"  ({min(finite):.4g} … {max(finite):.4g}{scale})\n", style="dim")
        text.append("".join(f"{line}\n" for line in curve(values, width=width, height=HEIGHT)), style="cyan")
    return text


@app.command(cls=Command, no_args_is_help=True)
def watch(
    run: RunFolder,
    once: Annotated[bool, typer.Option("--once", help="Draw what is there now, and end.")] = False,
) -> None:
    """Draw the curves of a running fit in the terminal, until the run ends; Ctrl-C ends only the drawing.

    The curves are read from the run's log, which `fit` writes with checkpoints. The fit does not notice.

    [dim]Example:[/]

      taciturn watch runs/big
    """
    from ..training import read_lines

    log = run / LOG
    try:
        stream = log.open("rb")
    except OSError as error:
        mend = "a run has a log if it is trained with checkpoints"
        raise ArtifactError(f"{one_line(log)}: {error.strerror or error}; name a run with a log: {mend}") from error
    progress, console = Progress(), Console()
    with stream:
        progress.add(read_lines(stream))
        if once or progress.ended:
            typer.echo(drawn(str(run), progress, console.width).plain, nl=False)
            return
        try:
            with Live(console=console, auto_refresh=False) as live:
                while True:
                    live.update(drawn(str(run), progress, console.width), refresh=True)
                    if progress.ended:
                        return
                    time.sleep(SECONDS)
                    if log.stat().st_size < stream.tell():  # a resumed run has cut its log
                        stream.seek(0)
                        progress = Progress()
                    progress.add(read_lines(stream))
        except KeyboardInterrupt as interrupt:
            if interrupt.args:  # SIGTERM or SIGHUP
                raise
