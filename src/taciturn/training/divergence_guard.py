"""A run whose loss is no longer finite has nothing more to learn."""

import copy
from typing import Any

import torch
from torch import Tensor

from ..model import Batch
from .run import Record, Run
from .step import Step


class DivergenceGuard:
    """Keeps the weights of the last epoch whose losses were all finite; stops the run at the end of one that was not.

    The losses are looked at once an epoch: reading one waits for the device.
    """

    def __init__(self, step: Step) -> None:
        self.weights: dict[str, Any] = copy.deepcopy(step.state_dict())
        self.diverged: int | None = None  # the step
        self._losses: dict[int, Tensor] = {}  # by step, since the last look

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Take in a record; at an epoch's end, look."""
        self._losses[record.step] = record.numbers["loss"]
        if not record.ends_epoch:
            return
        with torch.no_grad():  # what the last step made of the weights shows only in a loss after it
            self._losses[run.steps] = run.step(batch, run.progress(run.steps))[1]["loss"]
        if self.check(run):
            self.weights = copy.deepcopy(run.step.state_dict())

    def check(self, run: Run) -> bool:
        """Return whether all losses since the last look were finite; else put the last good weights back and stop."""
        losses, self._losses = self._losses, {}
        finite = torch.isfinite(torch.stack(list(losses.values()))).tolist() if losses else []
        if all(finite):
            return True
        self.diverged = list(losses)[finite.index(False)]
        run.stop_reason = (
            f"the loss was no longer finite at step {self.diverged}; the weights before that epoch are kept"
        )
        run.step.load_state_dict(self.weights)
        return False
