"""Held-out rows while training: what the objective says of them, and stopping when it says no more."""

import copy
import math
from typing import Any

import torch
from torch import Tensor

from ..model import Batch
from .feed import Feed
from .run import Record, Run
from .step import Step


class Validation:
    """At each epoch's end, adds `validation_…` numbers: the objective on corrupted rows with fixed noise, and the
    latents' rates on the same rows clean.

    Penalties whose weights are being found do not count in `validation_loss`: it would change with them.
    """

    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Add the numbers to an epoch's last record."""
        if record.ends_epoch:
            record.numbers.update({f"validation_{k}": v for k, v in self.numbers(run.step).items()})

    @torch.no_grad()
    def numbers(self, step: Step) -> dict[str, Tensor]:
        """Return the mean over all rows of each number."""
        total: dict[str, Any] = {}
        for batch in self.feed.validation_batches():
            p, numbers = step(batch, 1.0)  # every schedule at its end, as in the model that will be used
            numbers["loss"] = step.objective.at(1.0).fixed_sum(numbers)
            clean = p.codes if batch.corrupted is batch.x else step.model.codes(batch.x)
            numbers["rates"] = clean.sum() / clean.n_rows
            for name, number in numbers.items():
                total[name] = total.get(name, 0.0) + number.double().cpu() * len(batch.x)
        return {name: number / len(self.feed.source) for name, number in total.items()}


class EarlyStopping:
    """Keeps the weights of the epoch with the least validation loss, and stops the run when it falls no more.

    The run stops after `patience` epochs in a row that were not better than the best by `tol`.
    """

    def __init__(self, *, patience: int, tol: float) -> None:
        self.patience, self.tol = patience, tol
        self.least, self.epochs_waited = math.inf, 0
        self.weights: dict[str, Any] = {}

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Look at an epoch's last record."""
        if not record.ends_epoch:
            return
        loss = record.numbers["validation_loss"].item()
        self.epochs_waited = 0 if loss < self.least - self.tol else self.epochs_waited + 1
        if loss < self.least:
            self.least, self.weights = loss, copy.deepcopy(run.step.state_dict())
        if self.epochs_waited >= self.patience:
            run.stop_reason = f"the validation loss has not fallen by {self.tol:g} for {self.patience} epochs"

    def restore(self, step: Step) -> None:
        """Put the best weights back."""
        if self.weights:
            step.load_state_dict(self.weights)
