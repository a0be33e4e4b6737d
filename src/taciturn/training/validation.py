"""Hooks for held-out rows: the objective on them after each epoch, and early stopping."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..model import Batch
from .feed import Feed
from .run import Record, Run
from .saved_state import SavedState, starting_with
from .step import Step


class Validation:
    """Hook that evaluates the objective on held-out rows at each interval's end: an epoch's, if nothing else is set.

    It adds to the interval's last record, as `validation_…`: the loss and each term, on corrupted rows with the same
    noise each time, and "rates" [L], the mean activations on the clean rows.

    Parameters
    ----------
    feed : Feed
        The held-out rows.

    Notes
    -----
    `validation_loss` leaves out penalties with automatic weights: it would change with these weights.
    """

    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Add the numbers to an interval's last record."""
        if record.ends_interval:
            record.numbers.update({f"validation_{k}": v for k, v in self.numbers(run.step).items()})

    @torch.no_grad()
    def numbers(self, step: Step) -> dict[str, Tensor]:
        """Return each number's mean over all held-out rows, by name without `validation_`."""
        total: dict[str, Any] = {}
        for batch in self.feed.validation_batches():
            p, numbers = step(batch, 1.0)  # every schedule at its end, as in the model that is used later
            numbers["loss"] = step.objective.at(1.0).fixed_sum(numbers)
            clean = p.codes if batch.corrupted is batch.x else step.model.codes(batch.x)
            numbers["rates"] = step.model.latents.joined(batch.shard.axis.sum(clean.sum()) / batch.n_rows)
            for name, number in numbers.items():
                total[name] = total.get(name, 0.0) + number.double().cpu() * batch.n_rows
        return {name: number / len(self.feed.source) for name, number in total.items()}


class EarlyStopping:
    """Hook that keeps the weights with the least validation loss, and stops a run that no longer improves.

    It reads the number `validation_loss`, so a `Validation` must come before it among the hooks.

    Parameters
    ----------
    patience : int
        Number of successive intervals (epochs) without improvement after which the run stops.
    tol : float
        An interval improves if its loss is lower than the least so far by more than this.

    Attributes
    ----------
    least : float
        The least validation loss so far.
    waited : int
        Number of successive intervals without improvement.
    weights : SavedState or None
        The step's state after the interval with the least loss; None before.
    """

    def __init__(self, *, patience: int, tol: float) -> None:
        self.patience, self.tol = patience, tol
        self.least, self.waited = math.inf, 0
        self.weights: SavedState | None = None

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Compare the validation loss of an interval's last record with the least so far."""
        if not record.ends_interval:
            return
        loss = record.numbers["validation_loss"].item()
        self.waited = 0 if loss < self.least - self.tol else self.waited + 1
        if loss < self.least:
            self.least, self.weights = loss, SavedState(run.step)
        if self.waited >= self.patience:
            time = "epochs" if run.validate_every is None else f"times {run.validate_every:,} steps"
            run.stop_reason = f"the validation loss has not fallen by {self.tol:g} for {self.patience} {time}"

    def restore(self, step: Step) -> bool:
        """Restore the weights with the least loss; return whether there are any."""
        if self.weights is not None:
            self.weights.restore(step)
        return self.weights is not None

    def state(self) -> dict[str, Tensor]:
        """Return the hook's state for a checkpoint."""
        weights = {} if self.weights is None else self.weights.tensors()
        state = {"least": torch.tensor(self.least, dtype=torch.float64), "waited": torch.tensor(self.waited)}
        return state | {f"weights.{name}": tensor for name, tensor in weights.items()}

    def resume(self, state: Mapping[str, Tensor]) -> None:
        """Set what `state` returned."""
        self.least, self.waited = state["least"].item(), int(state["waited"])
        weights = starting_with("weights", state)
        self.weights = SavedState.of(weights) if weights else None
