"""A run whose loss is no longer finite has nothing more to learn."""

import copy
from typing import Any

import torch
from torch import Tensor

from ..passes import Batch
from ..step import Step
from .run import Record, Run


class LastGood:
    """Keeps the weights of the last epoch whose losses were all finite; stops the run at the end of one that was not.

    The losses are looked at once an epoch: reading one waits for the device.
    """

    def __init__(self, step: Step) -> None:
        self.weights: dict[str, Any] = copy.deepcopy(step.state_dict())
        self.diverged: int | None = None  # the step
        self._losses: list[Tensor] = []

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Take in a record; at an epoch's end, look."""
        self._losses.append(record.numbers["loss"])
        if not record.last:
            return
        finite, self._losses = torch.isfinite(torch.stack(self._losses)), []
        if finite.all():
            self.weights = copy.deepcopy(run.step.state_dict())
            return
        self.diverged = record.step - len(finite) + 1 + int((~finite).nonzero()[0])
        run.stop = f"the loss was no longer finite at step {self.diverged}; the weights before that epoch are kept"
        run.step.load_state_dict(self.weights)
