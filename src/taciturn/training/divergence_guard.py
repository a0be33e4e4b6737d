"""A hook that stops a run whose loss is no longer finite, and restores the last good weights."""

import copy
from typing import Any

import torch
from torch import Tensor

from ..model import Batch
from .run import Record, Run
from .step import Step


class DivergenceGuard:
    """Hook that keeps the weights of the last epoch whose losses were all finite.

    At the end of an epoch with a loss that is not finite, it restores these weights and stops the run.

    Parameters
    ----------
    step : Step
        The step that is trained. Its present state is the first good state.

    Attributes
    ----------
    weights : dict
        The step's state after the last epoch whose losses were all finite.
    diverged : int or None
        Number of the first step whose loss was not finite; None as long as there is none.

    Notes
    -----
    The losses are read once per epoch, because reading a loss waits for the device.
    """

    def __init__(self, step: Step) -> None:
        self.weights: dict[str, Any] = copy.deepcopy(step.state_dict())
        self.diverged: int | None = None
        self._losses: dict[int, Tensor] = {}  # by step, since the last check

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Keep the record's loss; at an epoch's end, check all losses of the epoch."""
        self._losses[record.step] = record.numbers["loss"]
        if not record.ends_epoch:
            return
        with torch.no_grad():  # the last step's effect on the weights shows only in a loss computed after it
            self._losses[run.steps] = run.step(batch, run.progress(run.steps))[1]["loss"]
        if self.check(run):
            self.weights = copy.deepcopy(run.step.state_dict())

    def check(self, run: Run) -> bool:
        """Return whether all losses since the last check are finite.

        If one is not, `diverged` is set, the last good weights are restored and the run is stopped.
        """
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
