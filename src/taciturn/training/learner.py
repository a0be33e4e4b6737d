"""The torch side of an estimator: a model, its step and optimiser, and what goes on between fits."""

import warnings
from contextlib import nullcontext

import torch
from torch import Tensor

from ..core.errors import Diverged, TargetMissed
from ..core.schedules import Schedule
from ..core.seeds import generator
from ..data.moments import Moments
from ..data.sources import Source, Subset
from ..data.split import split
from ..model import Autoencoder
from .divergence_guard import DivergenceGuard
from .feed import Feed
from .history import Recorder
from .ordering import Ordering
from .progress import ProgressBar
from .resampling import Resampling
from .run import Hook, Run, train
from .settings import Settings
from .solvers import groups
from .step import plan
from .validation import EarlyStopping, Validation

PARTIAL_RATE = 1e-3  # partial_fit knows no end towards which a learning rate could fall
ENDLESS_STEPS = 4000  # nor how many steps it will take; what fits run for by default
SOME_ROWS = 5000
ENOUGH_ROWS = 500  # of which a tenth can be kept apart


class Learner:
    """Learns from sources, once (`fit`) or as they come (`partial_fit`). Picklable: it holds no rows."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.model = Autoencoder(settings.layout, rng=generator(seed, "init"))
        self.moments = Moments(crossed=settings.scaling.whitens)
        self.scaling_description = ""
        self.shape: tuple[int, ...] = settings.layout.widths[:1]  # of a row
        self.held_out = 0.0  # the share of the rows that was split off for validation, by the seed
        self.recorder = Recorder()
        self.epochs_done = self.steps_done = 0
        self.stopped: str | None = None
        self.prepare(settings, seed)

    def prepare(self, settings: Settings, seed: int) -> None:
        """Get ready to train the model as it is under these settings, with a fresh optimiser."""
        self.settings, self.seed = settings, seed
        self.model.kernels = plan.kernels(settings.layout, settings.precision, settings.device)
        kind = plan.step(settings.layout, settings.objective, settings.device)
        self.step = kind(self.model, settings.objective, settings.precision)
        self.step.to(settings.device)
        self.optimiser = self._optimiser()

    def add_moments(self, moments: Moments) -> None:
        """Take in the moments of more rows, and scale by all that were seen."""
        self.moments.merge(moments)
        scaling = self.settings.scaling
        self.model.set_scaling(scaling, self.moments)
        self.scaling_description = scaling.description(self.moments)

    def fit(
        self,
        source: Source,
        *,
        target: Source | None = None,
        validation: tuple[Source, Source | None] | None = None,
        keep_best: EarlyStopping | None = None,
        bar: bool = False,
    ) -> None:
        """Train for the settings' epochs, from the present weights."""
        source, target, held = self._split_for_calibration(source, target)
        settings, feed = self.settings, self._feed(source, target)
        self.step.initialise(
            self._some(source), steps=settings.epochs * len(feed.bounds), from_scratch=self.epochs_done == 0
        )
        good = DivergenceGuard(self.step)
        hooks: list[Hook] = [good]
        if settings.revival is not None:
            hooks.append(Resampling(settings.revival))
        if settings.order is not None:
            hooks.append(Ordering(settings.order))
        if validation is not None:
            hooks.append(Validation(self._feed(*validation)))
        if keep_best is not None:
            hooks.append(keep_best)
        rate, clip = settings.learning_rate, settings.solver.clip
        run = Run(self.step, feed, self.optimiser, rate, settings.epochs, settings.constraint, clip)
        self.recorder = Recorder()
        try:
            with ProgressBar(settings.epochs) if bar else nullcontext() as progress:
                run.hooks = (*hooks, *([progress] if progress is not None else []))
                self._learn(run)
        except KeyboardInterrupt:
            run.stop_reason = f"interrupted in epoch {run.epoch + 1} of {run.epochs}"
            good.check(run)
            raise
        finally:
            if keep_best is not None:
                keep_best.restore(self.step)
            self.stopped, self.epochs_done, self.steps_done = run.stop_reason, run.epoch, run.steps
        if good.diverged is None:
            self._calibrate(self._some(held))
        else:
            self._diverged(run)

    def partial_fit(self, source: Source, target: Source | None = None) -> None:
        """Train for one epoch of these rows, going on from all that came before."""
        if self.epochs_done == 0:
            self.step.initialise(self._some(source), steps=ENDLESS_STEPS)
        rate, good = self.settings.learning_rate, DivergenceGuard(self.step)
        run = Run(
            self.step,
            self._feed(source, target),
            self.optimiser,
            PARTIAL_RATE if isinstance(rate, Schedule) else rate,
            self.epochs_done + 1,
            constraint=self.settings.constraint,
            clip=self.settings.solver.clip,
            hooks=(good,),
            epoch=self.epochs_done,
            steps=self.steps_done,
            open_ended=True,
        )
        self._learn(run)
        self.stopped, self.epochs_done, self.steps_done = run.stop_reason, run.epoch, run.steps
        if good.diverged is not None:
            self._diverged(run)

    def _diverged(self, run: Run) -> None:
        """Begin with a new optimiser, for the old one's moments are no longer finite, and say what to change."""
        self.optimiser = self._optimiser()
        warnings.warn(f"{run.stop_reason}; lower learning_rate, or set solver='adam:clip=1'", Diverged, stacklevel=4)

    def _optimiser(self) -> torch.optim.Optimizer:
        parameters = groups(self.step.named_parameters(), self.settings.weight_decay)
        return self.settings.solver.build(parameters, PARTIAL_RATE)

    def _learn(self, run: Run) -> None:
        self.recorder.start()
        for record in train(run):
            self.recorder.add(record)

    def _calibrate(self, x: Tensor) -> None:
        """Meet the targets by a last shift of the codes; warn of one that is missed by more than a tenth."""
        for name, ratio in self.step.calibrate(x).items():
            term = self.settings.objective.by_name()[name]
            if abs(ratio - 1) > 0.1:
                warnings.warn(
                    f"{term.name} asked for {term.target_value:g}, but rows have "
                    f"{ratio * (term.target_value or 0):.4g}: "
                    f"{len(self.model.dictionary)} latents can say no other of these rows; ask for less, or for more",
                    TargetMissed,
                    stacklevel=4,
                )

    def _split_for_calibration(self, source: Source, target: Source | None) -> tuple[Source, Source | None, Source]:
        """Return rows to learn from, their partners, and the rows on which targets are met in the end.

        These are the same rows but where latents are counted: a latent fits the rows that it learnt from, and fires
        more often on others. There a tenth is kept apart, if there are enough.
        """
        if not self.settings.counts or len(source) < ENOUGH_ROWS:
            return source, target, source
        learnt, held = split(len(source), min(0.1, SOME_ROWS / len(source)), self.seed, "meet")
        partner = None if target is None else Subset(target, learnt)
        return Subset(source, learnt), partner, Subset(source, held)

    def _some(self, source: Source) -> Tensor:
        """Return some of the rows, drawn by the seed, scaled and on the device: what targets are met on."""
        return self._feed(source).sample(SOME_ROWS, generator(self.seed, "some"))

    def _feed(self, source: Source, target: Source | None = None) -> Feed:
        now, model = self.settings, self.model
        normalise = model.scale_rows if model.rescales else model.cast
        return Feed(source, normalise, now.batch_size, self.seed, now.corruption, target, now.device)
