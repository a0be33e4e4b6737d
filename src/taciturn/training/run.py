"""The training loop, and everything that changes while it runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch

from ..core.schedules import Schedule, value
from ..model import Autoencoder, Batch
from .constraints import Constraint, Free
from .feed import Feed
from .step import Numbers, Step

OPEN_ENDED_STEPS = 4000  # what `fit` takes by default


@dataclass(frozen=True, eq=False)
class Record:
    """The numbers of one step.

    Parameters
    ----------
    step : int
        Number of the step, from 0.
    epoch : int
        Number of the epoch, from 0.
    ends_interval : bool
        Whether it is the last step of an interval: of an epoch or, with `Run.validate_every`, of so many steps.
    rows : int
        Number of rows of the batch.
    learning_rate : float
        The learning rate of this step.
    numbers : dict of Tensor
        "loss", each term by name, `weight_…` of each automatic penalty weight, and "rates" [L],
        each latent's mean activation. They stay tensors, because reading a number waits for the device. A hook may add
        numbers.
    """

    step: int
    epoch: int
    ends_interval: bool
    rows: int
    learning_rate: float
    numbers: Numbers


class Hook(Protocol):
    """A callable that the training loop calls after each step."""

    def __call__(self, run: "Run", batch: Batch, record: Record) -> None:
        """Act on a step: read it, add numbers to the record, or stop the run by setting `run.stop_reason`.

        Parameters
        ----------
        run : Run
            The run, its position already behind the step.
        batch : Batch
            The step's batch.
        record : Record
            The step's numbers.
        """
        ...


@dataclass
class Run:
    """A training run: its parts and its position.

    Parameters
    ----------
    step : Step
        Computes the gradients.
    feed : Feed
        Yields the batches.
    optimiser : torch.optim.Optimizer
        Optimiser of the step's parameters.
    learning_rate : float or Schedule
        The learning rate; a schedule is resolved at each step.
    epochs : int
        Number of epochs after which the run ends.
    constraint : Constraint, default=Free()
        Constraint on the dictionary, applied around each step of the optimiser.
    clip : float or None
        Upper bound of the norm of all gradients together; None: no bound.
    hooks : tuple of Hook, default=()
        Called after each step, in this order.
    epoch, step_in_epoch, steps : int, default=0
        Position: the epoch, the step within the epoch, and the number of steps taken.
    stop_reason : str or None
        Why the run stops before its last epoch; set by a hook.
    max_steps : int or None
        Number of steps after which the run ends, if its last epoch is not done before; None: no bound.
    validate_every : int or None
        Number of steps of an interval, at whose end the run is validated and its history has a value; None: an epoch.
    open_ended : bool, default=False
        Whether the end of the run is not known. Schedules then stand at their last value, and the length of the run is
        taken to be 4,000 steps.
    rows_ended : bool, default=False
        Whether the run stopped because a stream gave no more rows.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> from taciturn.model import Autoencoder, Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> from taciturn.objective import Objective, SquaredError
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> feed = Feed(Rows(torch.rand(10, 4).numpy()), model.scale_rows, batch_size=5, seed=0)
    >>> optimiser = torch.optim.Adam(model.parameters())
    >>> run = Run(Step(model, Objective((SquaredError(),))), feed, optimiser, 1e-3, epochs=2)
    >>> [(record.epoch, record.step) for record in train(run)]
    [(0, 0), (0, 1), (1, 2), (1, 3)]
    """

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
    max_steps: int | None = None
    validate_every: int | None = None
    open_ended: bool = False
    rows_ended: bool = False

    @property
    def n_steps(self) -> int:
        """Number of steps of the whole run, if no hook stops it; of an open-ended run the assumed number."""
        if self.open_ended:
            return OPEN_ENDED_STEPS
        steps = self.epochs * len(self.feed.bounds)
        return steps if self.max_steps is None else min(steps, self.max_steps)

    @property
    def ended(self) -> bool:
        """Whether the last epoch or the last step is done, or a hook has stopped the run."""
        return self.epoch >= self.epochs or self.steps == self.max_steps or self.stop_reason is not None

    def progress(self, step: int) -> float:
        """Return the share of the run that lies before a step, 0 … 1; 1 for an open-ended run."""
        return 1.0 if self.open_ended else step / self.n_steps


def train(run: Run) -> Iterator[Record]:
    """Yield a record after each step, until the run's last epoch or last step is done or a hook stops the run.

    Parameters
    ----------
    run : Run
        The run; its position moves with each step, so a run that was left can be continued.

    Yields
    ------
    Record
    """
    while not run.ended:
        batches = run.feed.epoch(run.epoch, start=run.step_in_epoch, step=run.steps, progress=run.progress)
        n_batches, epoch_end = len(run.feed.bounds), run.steps + len(run.feed.bounds) - run.step_in_epoch
        for batch in batches:
            learning_rate = value(run.learning_rate, run.progress(run.steps))
            numbers = update(run, batch, learning_rate)
            last = run.step_in_epoch + 1 == n_batches
            step, epoch = run.steps, run.epoch
            run.steps += 1
            run.epoch, run.step_in_epoch = (run.epoch + 1, 0) if last else (run.epoch, run.step_in_epoch + 1)
            due = last if run.validate_every is None else run.steps % run.validate_every == 0
            record = Record(step, epoch, due or run.ended, batch.n_rows, learning_rate, numbers)
            for hook in run.hooks:
                hook(run, batch, record)
            yield record
            if run.ended:
                return
        if run.steps < epoch_end:
            run.rows_ended = True
            run.stop_reason = f"there were no more rows after {run.steps:,} of {run.n_steps:,} steps"


def update(run: Run, batch: Batch, learning_rate: float) -> Numbers:
    """Take one step of the optimiser; return the step's numbers.

    Parameters
    ----------
    run : Run
        The run; its position stays.
    batch : Batch
        The rows.
    learning_rate : float
        The learning rate of this step.

    Returns
    -------
    dict of Tensor
        As `Step.gradients` returns them: measured before the weights move.
    """
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate
    run.optimiser.zero_grad()
    largest = max(value(run.learning_rate, 0.0), value(run.learning_rate, 1.0))
    numbers = run.step.gradients(batch, run.progress(run.steps), learning_rate / largest if largest else 0.0)
    model = run.step.model
    if model.latents.size > 1:  # a gradient that counts once is None on the other processes
        shared = model.shared_parameters()
        for parameter in shared:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        model.latents.sum_in_place([p.grad for p in shared if p.grad is not None])
    batch.shard.axis.sum_in_place([p.grad for p in run.step.parameters() if p.grad is not None])
    with torch.no_grad():
        run.constraint.before(model.dictionary)  # first: what it removes is no part of the norm
        if run.clip is not None:
            _clip(model, run.clip)
        run.optimiser.step()
        run.constraint.after(model.dictionary)
    return numbers


def _clip(model: Autoencoder, bound: float) -> None:
    """Scale all gradients together, of all processes, so that their norm is at most the bound."""
    if model.latents.size == 1:
        torch.nn.utils.clip_grad_norm_(model.parameters(), bound)
        return
    parts, shared = model.latent_parameters(), model.shared_parameters()
    own, common = (
        torch.nn.utils.get_total_norm([p.grad for p in each if p.grad is not None]) for each in (parts, shared)
    )
    norm = (model.latents.sum(own.square()) + common.square()).sqrt()
    torch.nn.utils.clip_grads_with_norm_([*parts, *shared], bound, norm)
