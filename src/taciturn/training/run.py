"""One run: everything that changes while training, and the loop that yields records."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch

from ..core.schedules import Schedule, value
from ..model import Batch
from .constraints import Constraint, Free
from .feed import Feed
from .step import Numbers, Step


@dataclass(frozen=True, eq=False)
class Record:
    """What one step, or an epoch's last step, has to say; numbers are tensors until somebody reads them."""

    step: int
    epoch: int
    ends_epoch: bool  # of its epoch
    rows: int
    learning_rate: float
    numbers: Numbers


class Hook(Protocol):
    """Called after each step."""

    def __call__(self, run: "Run", batch: Batch, record: Record) -> None:
        """Look, add numbers to the record, or set `run.stop` to a reason."""
        ...


@dataclass
class Run:
    """A step, its optimiser, its rows and the position in them."""

    step: Step
    feed: Feed
    optimiser: torch.optim.Optimizer
    learning_rate: float | Schedule
    epochs: int
    constraint: Constraint = Free()
    clip: float | None = None
    hooks: tuple[Hook, ...] = ()
    epoch: int = 0
    step_in_epoch: int = 0
    steps: int = 0
    stop_reason: str | None = None
    open_ended: bool = False  # nobody knows where it ends: schedules stand where they will end

    @property
    def n_steps(self) -> int:
        """How many steps it takes in all, if nothing stops it."""
        return self.epochs * len(self.feed.bounds)

    def progress(self, step: int) -> float:
        """Return which share of the run lies before a step."""
        return 1.0 if self.open_ended else step / self.n_steps


def train(run: Run) -> Iterator[Record]:
    """Train to the run's last epoch or until a hook stops it, yielding a record a step."""
    while run.epoch < run.epochs and run.stop_reason is None:
        batches = run.feed.epoch(run.epoch, start=run.step_in_epoch, step=run.steps, progress=run.progress)
        n_batches = len(run.feed.bounds)
        for batch in batches:
            learning_rate = value(run.learning_rate, run.progress(run.steps))
            numbers = update(run, batch, learning_rate)
            last = run.step_in_epoch + 1 == n_batches
            record = Record(run.steps, run.epoch, last, len(batch.x), learning_rate, numbers)
            run.steps += 1
            run.epoch, run.step_in_epoch = (run.epoch + 1, 0) if last else (run.epoch, run.step_in_epoch + 1)
            for hook in run.hooks:
                hook(run, batch, record)
            yield record
            if run.stop_reason is not None:
                return


def update(run: Run, batch: Batch, learning_rate: float) -> Numbers:
    """Take one step of the optimiser; return the step's numbers."""
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate
    run.optimiser.zero_grad()
    greatest = max(value(run.learning_rate, 0.0), value(run.learning_rate, 1.0))
    numbers = run.step.gradients(batch, run.progress(run.steps), learning_rate / greatest if greatest else 0.0)
    if run.clip is not None:
        torch.nn.utils.clip_grad_norm_(run.step.parameters(), run.clip)
    with torch.no_grad():
        run.constraint.before(run.step.model.dictionary)
        run.optimiser.step()
        run.constraint.after(run.step.model.dictionary)
    return numbers
