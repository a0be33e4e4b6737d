"""A hook that stops a run whose loss is no longer finite, and restores the last good weights."""

import math
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from ..model import Batch
from .run import Record, Run
from .saved_state import SavedState, starting_with
from .step import Step

CHECK_EVERY = 32  # steps after which losses are read, at the latest
COPY_EVERY = 1024  # steps after which weights are copied, at the latest


class Best(Protocol):
    """A hook that copies the best weights so far, such as `EarlyStopping`."""

    weights: SavedState | None


class DivergenceGuard:
    """Hook that keeps copies of good weights, and restores the last one when a loss is no longer finite.

    Parameters
    ----------
    step : Step
        The step that is trained. Its present state is the first good state.
    steps : int, default=0
        Number of steps that the run has taken already.
    best : Best or None
        The hook that keeps the best weights. Once it has a copy, that is the only one.

    Attributes
    ----------
    weights : SavedState
        The step's last state whose own loss was finite.
    steps : int
        Number of steps that the run had taken then.
    diverged : int or None
        Number of the first step whose loss was not finite; None as long as there is none.

    Notes
    -----
    Reading a loss waits for the device, and copying the weights takes as long as a small step. Losses are read at each
    interval's end and every 32 steps. Weights are copied at each interval's end but the last, and after 1, 4, 16, 64,
    256 and 1,024 steps and every 1,024 steps from then on; before each copy the loss of these weights is computed.
    """

    def __init__(self, step: Step, steps: int = 0, best: Best | None = None) -> None:
        self.weights = SavedState(step)
        self.steps, self.best = steps, best
        self.diverged: int | None = None
        self._losses: dict[int, Tensor] = {}  # by step, since the last check
        self._first_step, self._next_copy = steps, 1

    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Keep the record's loss; at times check the losses so far, and copy the weights."""
        self._losses[record.step] = record.numbers["loss"]
        due = run.steps - self._first_step == self._next_copy
        if due:
            self._next_copy += min(3 * self._next_copy, COPY_EVERY)
        if due or record.ends_interval:
            with torch.no_grad():  # the last step's effect on the weights shows only in a loss computed after it
                self._losses[run.steps] = run.step(batch, run.progress(run.steps))[1]["loss"]
            if self.check(run) and not run.ended:
                best = None if self.best is None else self.best.weights
                self.weights, self.steps = best or SavedState(run.step), run.steps
        elif len(self._losses) == CHECK_EVERY:
            self.check(run)

    @property
    def kept(self) -> str:
        """The copied weights in words."""
        if not self.steps:
            return "the initial weights"
        return f"the weights after {self.steps} step{'s' * (self.steps > 1)}"

    def check(self, run: Run) -> bool:
        """Return whether all losses since the last check are finite.

        If one is not, `diverged` is set, the last good weights are restored and the run is stopped.
        """
        losses, self._losses = self._losses, {}
        on_cpu = all(loss.is_cpu for loss in losses.values())
        # many readings of a CPU tensor take less time than one operation; on a device each would wait
        values = [loss.item() for loss in losses.values()] if on_cpu else torch.stack([*losses.values()]).tolist()
        finite = [math.isfinite(value) for value in values]
        if all(finite):
            return True
        self.diverged = list(losses)[finite.index(False)]
        run.stop_reason = f"the loss was no longer finite at step {self.diverged}; {self.kept} are kept"
        self.weights.restore(run.step)
        return False

    def state(self) -> dict[str, Tensor]:
        """Return the hook's state for a checkpoint; weights that the hook `best` keeps are not repeated."""
        diverged = -1 if self.diverged is None else self.diverged
        counts = torch.tensor([self.steps, diverged, self._first_step, self._next_copy, *self._losses])
        losses = torch.stack([*self._losses.values()]) if self._losses else torch.zeros(0)
        shared = self.best is not None and self.weights is self.best.weights
        weights = {} if shared else self.weights.tensors()
        return {"counts": counts, "losses": losses} | {f"weights.{name}": tensor for name, tensor in weights.items()}

    def resume(self, state: Mapping[str, Tensor], step: Step) -> None:
        """Set what `state` returned; the hook `best` is resumed before."""
        self.steps, diverged, self._first_step, self._next_copy, *steps = state["counts"].tolist()
        self.diverged = None if diverged < 0 else diverged
        self._losses = dict(zip(steps, state["losses"].to(step.inactive_rows.device), strict=True))
        weights, best = starting_with("weights", state), None if self.best is None else self.best.weights
        self.weights = SavedState.of(weights) if weights else best or self.weights

    def check_weights(self, run: Run) -> None:
        """Check the losses, and the weights that the last step left, as after an interrupt within an epoch."""
        finite = all(bool(parameter.isfinite().all()) for parameter in run.step.parameters())
        if run.step.model.latents.any(not finite):
            self._losses[run.steps] = torch.tensor(float("nan"))
        self.check(run)
