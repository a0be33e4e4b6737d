"""The torch side of an estimator: a model, its step and optimiser, and what goes on between fits."""

from contextlib import nullcontext

import numpy as np
import torch

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
    bad_values = bad_rows = 0
    place = ""
    for start in range(0, len(source), block):
        rows = source.read(start, start + block)
        finite = np.isfinite(rows)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            name = repr(source.columns[column]) if source.columns else str(column)
            place = place or f"row {start + row}, column {name}"
            bad_values, bad_rows = bad_values + int((~finite).sum()), bad_rows + int((~finite).any(1).sum())
        elif not bad_values:
            moments.add(rows)
    if bad_values:
        raise DataError(
            f"{bad_values:,} values in {bad_rows:,} of {len(source):,} rows are NaN or infinite, the first in {place} "
            "(counted from 0); fill them in, or drop such rows or columns"
        )
    return moments


class Learner:
    """Learns from sources, once (`fit`) or as they come (`partial_fit`). Picklable: it holds no rows."""

    def __init__(self, settings: Settings, seed: int) -> None:
        kernels = plan(settings.layout).kernels
        self.model = Autoencoder(settings.layout, rng=generator(seed, "init"), kernels=kernels)
        self.moments = Moments()
        self.scaling_said = ""
        self.shape: tuple[int, ...] = settings.layout.widths[:1]  # of a row
        self.held_out = 0.0  # the share of the rows that was split off for validation, by the seed
        self.recorder = Recorder()
        self.epochs_done = self.steps_done = 0
        self.stopped: str | None = None
        self.prepare(settings, seed)

    def prepare(self, settings: Settings, seed: int) -> None:
        """Get ready to train the model as it is under these settings, with a fresh optimiser."""
        self.settings, self.seed = settings, seed
        self.model.to(settings.device)
        self.step = plan(settings.layout).step(self.model, settings.objective)
        parameters = groups(self.step.named_parameters(), settings.weight_decay)
        self.optimiser = settings.solver.build(parameters, PARTIAL_RATE)

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
        source: Source,
        *,
        target: Source | None = None,
        validation: tuple[Source, Source | None] | None = None,
        keep_best: KeepBest | None = None,
        bar: bool = False,
    ) -> History:
        """Train for the settings' epochs, from the present weights; return the history."""
        settings = self.settings
        hooks: list[Hook] = []
        if validation is not None:
            hooks.append(Validation(self._feed(*validation)))
        if keep_best is not None:
            hooks.append(keep_best)
        run = Run(
            self.step,
            self._feed(source, target),
            self.optimiser,
            settings.learning_rate,
            settings.epochs,
            clip=settings.solver.clip,
        )
        self.recorder = Recorder()
        with ProgressBar(settings.epochs) if bar else nullcontext() as progress:
            run.hooks = (*hooks, *([progress] if progress is not None else []))
            self._learn(run)
        if keep_best is not None:
            keep_best.restore(self.step)
        self.stopped, self.epochs_done, self.steps_done = run.stop, run.epoch, run.steps
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
            clip=self.settings.solver.clip,
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

    def _feed(self, source: Source, target: Source | None = None) -> Feed:
        now = self.settings
        return Feed(source, self.model.normalise, now.batch_size, self.seed, now.corruption, target, now.device)
