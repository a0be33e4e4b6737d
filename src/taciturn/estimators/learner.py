"""The torch side of an estimator: a model, its step and optimiser, and what goes on between fits."""

from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray

from ..care import Free
from ..errors import DataError
from ..feed import Feed
from ..model import Autoencoder
from ..moments import Moments
from ..schedules import Schedule
from ..seeds import generator
from ..solvers import groups
from ..sources import Source
from ..step import plan
from ..trainer import History, Hook, KeepBest, ProgressBar, Recorder, Run, Validation, train
from .settings import Settings

PARTIAL_RATE = 1e-3  # partial_fit knows no end towards which a learning rate could fall


def measure(source: Source, block: int = 8192) -> Moments:
    """Return the per-column statistics of a source; raise DataError where a value is not finite."""
    moments = Moments()
    for start in range(0, len(source), block):
        rows = source.read(start, start + block)
        finite = np.isfinite(rows)
        if not finite.all():
            raise _not_finite(source, start, finite)
        moments.add(rows)
    return moments


def _not_finite(source: Source, start: int, finite: NDArray[np.bool_]) -> DataError:
    row, column = np.argwhere(~finite)[0]
    name = repr(source.columns[column]) if source.columns else column
    return DataError(
        f"row {start + row}, column {name} is NaN or infinite, and so are {(~finite).sum() - 1} more values of the "
        f"{len(finite)} rows looked at; fill in or drop such rows or columns first"
    )


class Learner:
    """Learns from sources, once (`fit`) or as they come (`partial_fit`). Picklable: it holds no rows."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.settings, self.seed = settings, seed
        chosen = plan(settings.layout)
        self.model = Autoencoder(settings.layout, rng=generator(seed, "init"), kernels=chosen.kernels)
        self.model.to(settings.device)
        self.step = chosen.step(self.model, settings.objective)
        self.optimiser = self._optimiser(settings)
        self.moments = Moments()
        self.scaling_said = ""
        self.recorder = Recorder()
        self.epochs_done = self.steps_done = 0
        self.stopped: str | None = None

    def see(self, moments: Moments) -> None:
        """Take in the moments of more rows, and scale by all that were seen."""
        self.moments.merge(moments)
        scaling = self.settings.scaling
        shift, scale = scaling.fit(self.moments)
        self.model.shift.copy_(torch.from_numpy(shift))
        self.model.scale.copy_(torch.from_numpy(scale))
        self.scaling_said = scaling.said(self.moments)

    def fit(
        self,
        settings: Settings,
        source: Source,
        *,
        target: Source | None = None,
        validation: tuple[Source, Source | None] | None = None,
        keep_best: KeepBest | None = None,
        bar: bool = False,
    ) -> History:
        """Train for the settings' epochs, from the present weights, with a fresh optimiser; return the history."""
        self.settings, self.optimiser = settings, self._optimiser(settings)
        hooks: list[Hook] = []
        if validation is not None:
            hooks.append(Validation(self._feed(*validation)))
        if keep_best is not None:
            hooks.append(keep_best)
        feed = self._feed(source, target)
        run = Run(
            self.step, feed, self.optimiser, settings.learning_rate, settings.epochs, Free(), settings.solver.clip
        )
        self.recorder = Recorder()
        with ProgressBar(settings.epochs) if bar else nullcontext() as progress:
            run.hooks = (*hooks, *([progress] if progress is not None else []))
            self._learn(run)
        if keep_best is not None:
            keep_best.restore(self.step)
        self.stopped, self.epochs_done, self.steps_done = run.stop, len(self.recorder.history()), run.steps
        return self.recorder.history()

    def partial_fit(self, source: Source, target: Source | None = None) -> History:
        """Train for one epoch of these rows, going on from all that came before; return the whole history."""
        rate = self.settings.learning_rate
        run = Run(
            self.step,
            self._feed(source, target),
            self.optimiser,
            PARTIAL_RATE if isinstance(rate, Schedule) else rate,
            self.epochs_done + 1,
            Free(),
            self.settings.solver.clip,
            epoch=self.epochs_done,
            steps=self.steps_done,
            endless=True,
        )
        self._learn(run)
        self.epochs_done, self.steps_done = run.epoch, run.steps
        return self.recorder.history()

    def _learn(self, run: Run) -> None:
        self.recorder.start()
        for record in train(run):
            self.recorder.add(record)

    def _optimiser(self, settings: Settings) -> torch.optim.Optimizer:
        return settings.solver.build(groups(self.step.named_parameters(), settings.weight_decay), PARTIAL_RATE)

    def _feed(self, source: Source, target: Source | None = None) -> Feed:
        now = self.settings
        return Feed(source, self.model.normalise, now.batch_size, self.seed, now.corruption, target, now.device)
