"""The torch side of an estimator: a model, its training step and its optimiser, kept from one fit to the next."""

import copy
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
from .solvers import parameter_groups
from .step import plan
from .validation import EarlyStopping, Validation

# partial_fit has no known end: no learning rate can fall towards it, and the number of steps is a guess
PARTIAL_FIT_LEARNING_RATE = 1e-3
PARTIAL_FIT_STEPS = 4000  # what `fit` takes by default
SAMPLE_ROWS = 5000  # rows on which a run is initialised, and on which targets are calibrated
MIN_ROWS_TO_HOLD_OUT = 500  # with fewer rows none are held out for the calibration


class Learner:
    """A model with everything that trains it: in one run (`fit`) or block by block (`partial_fit`).

    A learner holds no rows, so it can be pickled.

    Parameters
    ----------
    settings : Settings
        The parts of the run.
    seed : int
        Seed of the weights, of the order of the rows, of the noise and of every other draw.

    Attributes
    ----------
    model : Autoencoder
        The network.
    step : Step
        The training step of the model, with the controllers of the penalty weights.
    optimiser : torch.optim.Optimizer
        Optimiser of the step's parameters.
    settings, seed
        As given, or as given to the last `prepare`.
    moments : Moments
        Column statistics of all rows added by `add_moments`; the rows are scaled by them.
    target_moments : Moments or None
        The same of their targets; None as long as all rows were their own targets.
    scaling_description : str
        The scaling in words, such as "not scaled, values from 0 to 1".
    shape : tuple of int
        Shape of one row.
    held_out : float
        Share of the rows that the caller held out for validation, drawn by the seed.
    recorder : Recorder
        Records of the last `fit` and of all `partial_fit` since.
    epochs_done, steps_done : int
        Position in the run.
    stopped : str or None
        Why the last run stopped before its last epoch; None if it did not.
    """

    def __init__(self, settings: Settings, seed: int) -> None:
        self.model = Autoencoder(settings.layout, rng=generator(seed, "init"))
        self.moments = Moments(with_products=settings.scaling.whitens)
        self.target_moments: Moments | None = None
        self.scaling_description = ""
        self.shape: tuple[int, ...] = settings.layout.widths[:1]
        self.held_out = 0.0
        self.recorder = Recorder()
        self.epochs_done = self.steps_done = 0
        self.stopped: str | None = None
        self.prepare(settings, seed)

    def prepare(self, settings: Settings, seed: int) -> None:
        """Take new settings and a new seed, with a fresh step and a fresh optimiser; the weights stay."""
        self.settings, self.seed = settings, seed
        self.model.kernels = plan.kernels(settings.layout, settings.precision, settings.device)
        step_class = plan.step(settings.layout, settings.objective, settings.device)
        self.step = step_class(self.model, settings.objective, settings.precision)
        self.step.to(settings.device)
        self.optimiser = self._build_optimiser()

    def add_moments(self, moments: Moments, targets: Moments | None = None) -> None:
        """Add the moments of more rows and of their targets, and scale by the moments of all added so far.

        Parameters
        ----------
        moments : Moments
            Column statistics of the rows.
        targets : Moments, optional
            Column statistics of their targets; by default the rows are their own targets.
        """
        if targets is not None and self.target_moments is None:
            self.target_moments = copy.deepcopy(self.moments)  # so far, rows were their own targets
        self.moments.merge(moments)
        if self.target_moments is not None:
            self.target_moments.merge(moments if targets is None else targets)
        settings = self.settings
        self.model.set_scaling(
            settings.scaling,
            self.moments,
            target_scaling=settings.target_scaling,
            target_moments=self.target_moments,
            unit=settings.unit,
        )
        self.scaling_description = settings.scaling.description(self.moments)
        if self.target_moments is not None:
            self.scaling_description += f"; targets: {settings.target_scaling.description(self.target_moments)}"

    def fit(
        self,
        source: Source,
        *,
        target: Source | None = None,
        validation: tuple[Source, Source | None] | None = None,
        keep_best: EarlyStopping | None = None,
        bar: bool = False,
    ) -> None:
        """Train for the settings' epochs, starting at the present weights.

        Parameters
        ----------
        source : Source
            Rows to train on.
        target : Source or None
            Each row's partner, which is to be reconstructed; None: the row itself.
        validation : (Source, Source or None) or None
            Held-out rows and their partners, on which the objective is evaluated after each epoch.
        keep_best : EarlyStopping or None
            Hook that stops the run early; in the end the best weights are restored. Requires `validation`.
        bar : bool, default=False
            Whether to show a progress bar on standard error.

        Warns
        -----
        Diverged
            The loss was no longer finite. The weights before that epoch are kept.
        TargetMissed
            After the calibration a target is still missed by more than a tenth.

        Notes
        -----
        KeyboardInterrupt is raised again after the learner's state has been updated: what was trained until then is
        kept.
        """
        source, target, calibration_source = self._split_for_calibration(source, target)
        settings, feed = self.settings, self._feed(source, target)
        x, y = self._sample(feed)
        self.step.initialise(x, target=y, steps=settings.epochs * len(feed.bounds), from_scratch=self.epochs_done == 0)
        guard = DivergenceGuard(self.step)
        hooks: list[Hook] = [guard]
        if settings.resample is not None:
            hooks.append(Resampling(settings.resample))
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
            guard.check(run)
            raise
        finally:
            if keep_best is not None:
                keep_best.restore(self.step)
            self.stopped, self.epochs_done, self.steps_done = run.stop_reason, run.epoch, run.steps
        if guard.diverged is None:
            self._calibrate(self._sample(self._feed(calibration_source))[0])
        else:
            self._recover_from_divergence(run)

    def partial_fit(self, source: Source, target: Source | None = None) -> None:
        """Train for one epoch of these rows, continuing from all earlier epochs.

        Schedules stand at their last value, because the end of the run is not known; a scheduled learning rate is
        replaced by 0.001. Targets are not calibrated.

        Parameters
        ----------
        source : Source
            Rows to train on.
        target : Source or None
            Each row's partner, which is to be reconstructed; None: the row itself.

        Warns
        -----
        Diverged
            The loss was no longer finite. The weights before these rows are kept.
        """
        feed = self._feed(source, target)
        if self.epochs_done == 0:
            x, y = self._sample(feed)
            self.step.initialise(x, target=y, steps=PARTIAL_FIT_STEPS)
        rate, guard = self.settings.learning_rate, DivergenceGuard(self.step)
        run = Run(
            self.step,
            feed,
            self.optimiser,
            PARTIAL_FIT_LEARNING_RATE if isinstance(rate, Schedule) else rate,
            self.epochs_done + 1,
            constraint=self.settings.constraint,
            clip=self.settings.solver.clip,
            hooks=(guard,),
            epoch=self.epochs_done,
            steps=self.steps_done,
            open_ended=True,
        )
        self._learn(run)
        self.stopped, self.epochs_done, self.steps_done = run.stop_reason, run.epoch, run.steps
        if guard.diverged is not None:
            self._recover_from_divergence(run)

    def _recover_from_divergence(self, run: Run) -> None:
        """Replace the optimiser, whose moments are no longer finite, and warn of the divergence."""
        self.optimiser = self._build_optimiser()
        warnings.warn(f"{run.stop_reason}; lower learning_rate, or set solver='adam:clip=1'", Diverged, stacklevel=4)

    def _build_optimiser(self) -> torch.optim.Optimizer:
        parameters = parameter_groups(self.step.named_parameters(), self.settings.weight_decay)
        return self.settings.solver.build(parameters, PARTIAL_FIT_LEARNING_RATE)

    def _learn(self, run: Run) -> None:
        self.recorder.start()
        for record in train(run):
            self.recorder.add(record)

    def _calibrate(self, x: Tensor) -> None:
        """Meet the targets by a closing shift of the biases; warn of a target missed by more than a tenth."""
        for name, ratio in self.step.calibrate(x).items():
            term = self.settings.objective.by_name()[name]
            if abs(ratio - 1) > 0.1:
                measured = ratio * (term.target_value or 0)
                warnings.warn(
                    f"{term.name}: the target {term.target_value:g} was missed, the rows have {measured:.4g}; "
                    f"{len(self.model.dictionary)} latents cannot reach it on these rows; "
                    f"set a target nearer to {measured:.4g}",
                    TargetMissed,
                    stacklevel=4,
                )

    def _split_for_calibration(self, source: Source, target: Source | None) -> tuple[Source, Source | None, Source]:
        """Return the rows to train on, their partners, and the rows on which targets are calibrated.

        Mean activations are calibrated on the training rows. An L0 is calibrated on a held-out tenth of the rows, if
        there are enough: latents are fitted to the training rows, and more of them are active on other rows.
        """
        if not self.settings.calibrates_l0 or len(source) < MIN_ROWS_TO_HOLD_OUT:
            return source, target, source
        training, held_out = split(len(source), min(0.1, SAMPLE_ROWS / len(source)), self.seed, "meet")
        partner = None if target is None else Subset(target, training)
        return Subset(source, training), partner, Subset(source, held_out)

    def _sample(self, feed: Feed) -> tuple[Tensor, Tensor]:
        """Return at most SAMPLE_ROWS rows and their targets, drawn by the seed, scaled and on the device."""
        return feed.sample(SAMPLE_ROWS, generator(self.seed, "some"))

    def _feed(self, source: Source, target: Source | None = None) -> Feed:
        settings, model = self.settings, self.model
        scale_rows = model.scale_rows if model.rescales else model.cast
        scale_targets = model.scale_targets if model.rescales_targets else model.cast
        noise, device = settings.corruption, settings.device
        return Feed(source, scale_rows, settings.batch_size, self.seed, noise, target, device, scale_targets)
