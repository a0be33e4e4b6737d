"""The torch side of an estimator: a model, its training step and its optimiser, kept from one fit to the next."""

import copy
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace

import torch
from torch import Tensor

from ..core.errors import Diverged, RecipeError, RowsEnded, TargetMissed
from ..core.schedules import Schedule
from ..core.seeds import generator
from ..core.tensor_file import load_tensors, save_tensors
from ..core.world import ONE_PROCESS, SINGLE_PROCESS, Axis, Mesh
from ..corruption import BlindSpot
from ..data.fingerprint import Fingerprint
from ..data.moments import Moments
from ..data.sources import Source, Stream
from ..data.split import Pairs, can_be_split, split_pairs
from ..data.survey import may_miss
from ..kernels import one_thread_if_small
from ..metrics import Remembered
from ..model import Autoencoder, Given, create
from .checkpoints import Checkpoints
from .distributed_latents import check_latents
from .divergence_guard import DivergenceGuard
from .extreme_errors import warn_of_extreme_errors
from .feed import Feed
from .history import Recorder
from .ordering import Ordering
from .processes import check_weights, share_state
from .progress import ProgressBar
from .redirecting import Redirecting
from .resampling import Resampling
from .run import OPEN_ENDED_STEPS, Hook, Run, train
from .run_state import restore_model, restore_run, run_tensors
from .saved_state import starting_with
from .settings import Settings
from .solvers import parameter_groups
from .step import plan
from .stream_feed import StreamFeed
from .uninterrupted import HeldSignals, uninterrupted
from .validation import EarlyStopping, Validation

# partial_fit has no known end, towards which a learning rate could fall
PARTIAL_FIT_LEARNING_RATE = 1e-3
SAMPLE_ROWS = 5000  # rows on which a run is initialised, and on which targets are calibrated
MAX_SPOT_IMAGES = 32  # by which the error of blind spots is measured, of a network that treats all pixels alike
ERROR_ROWS = 2000  # rows on which it is measured whether a few carry most of the error
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
    model : Autoencoder, optional
        A network of this layout that was trained before; by default one with new weights.
    latents : Axis, default=SINGLE_PROCESS
        The axis over which the latents of a new network are distributed; see `Autoencoder`.

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
    n_rows : int
        Number of rows that the model was trained on.
    training_rows, held_out_rows : Fingerprint or None
        Of the rows that the model was trained on, and of the rows held out from them; None where unknown.
    remembered : Remembered or None
        Numbers of some held-out or training rows under the trained model; None: none were measured.
    recorder : Recorder
        Records of the last `fit` and of all `partial_fit` since.
    epochs_done, steps_done : int
        Position in the run.
    stopped : str or None
        Why the last run stopped before its last epoch; None if it did not.
    has_extreme_rows : bool
        Whether there was a warning before the training that a few rows hold nearly all of the variance.
    processes : Mesh
        The processes that train together in the present `fit`.
    """

    processes: Mesh = ONE_PROCESS

    def __init__(
        self, settings: Settings, seed: int, model: Autoencoder | None = None, *, latents: Axis = SINGLE_PROCESS
    ) -> None:
        check_latents(settings, latents)
        rng = generator(seed, "init")
        self.model = create(settings.layout, rng=rng, latents=latents) if model is None else model
        self.moments = Moments(with_products=settings.scaling.whitens)
        self.target_moments: Moments | None = None
        self.scaling_description = ""
        self.shape: tuple[int, ...] = settings.layout.widths[:1]
        self.n_rows = 0
        self.training_rows: Fingerprint | None = None
        self.held_out_rows: Fingerprint | None = None
        self.remembered: Remembered | None = None
        self.epochs_done = self.steps_done = 0
        self.stopped: str | None = None
        self.has_extreme_rows = False
        self.prepare(settings, seed)

    def prepare(self, settings: Settings, seed: int) -> None:
        """Take new settings and a new seed, with a fresh step, optimiser and history; the weights stay."""
        self.settings, self.seed = settings, seed
        self.recorder, self.remembered = Recorder(), None
        self.model.kernels = plan.kernels(settings.layout, settings.precision, settings.device)
        step_class = plan.step(settings.layout, settings.objective, settings.device)
        self.step = step_class(self.model, settings.objective, settings.precision)
        self.step.to(settings.device)
        self.optimiser = self._build_optimiser()

    @property
    def untrained(self) -> bool:
        """Whether the weights are the initial ones: of no step here, and not of a network trained elsewhere."""
        return self.steps_done == 0 and not isinstance(self.settings.unit, Given)

    def state(self) -> dict[str, Tensor]:
        """Return what decides how the training goes on, beside the model's own tensors and the settings.

        Returns
        -------
        dict of str to Tensor
            Copies on the CPU. "position" [2]: epochs and steps done. "moments.…" and "target_moments.…": column
            statistics of all rows seen and of their targets. "step.…": counters of inactive rows, firing rates, and
            each controller's state. "optimiser.PARAMETER.…": the optimiser's running means and number of steps, by the
            name of the model's parameter.

        See Also
        --------
        restore : Set it again.
        """
        position = {"position": torch.tensor([self.epochs_done, self.steps_done])}
        all_moments = {"moments": self.moments, "target_moments": self.target_moments}
        moments = {
            f"{room}.{name}": torch.as_tensor(value)
            for room, seen in all_moments.items()
            if seen is not None
            for name, value in seen.to_arrays().items()
        }
        buffers = self.step.state_dict().items()
        step = {f"step.{name}": tensor for name, tensor in buffers if not name.startswith("model.")}
        optimiser = {
            f"optimiser.{name}.{key}": value
            for name, parameter in self.model.named_parameters()
            for key, value in self.optimiser.state.get(parameter, {}).items()
            if value is not None
        }
        return {name: t.detach().cpu().clone() for name, t in (position | moments | step | optimiser).items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Set what `state` returned for a learner of the same settings; `partial_fit` then goes on with the same bits.

        Parameters
        ----------
        state : mapping of str to Tensor
            As `state` returned it. The model's own tensors are not part of it; load them as well.

        Raises
        ------
        RecipeError
            A tensor is missing, unknown or of another shape.
        """
        names = ("position", "moments", "target_moments", "step", "optimiser")
        rooms: dict[str, dict[str, Tensor]] = {name: {} for name in names}
        for name, tensor in state.items():
            room, _, rest = name.partition(".")
            if room not in rooms:
                raise RecipeError(f"{name!r} is not a part of a learner's state")
            rooms[room][rest] = tensor.clone()
        position = rooms["position"].get("", torch.zeros(0))
        if position.shape != (2,) or position.dtype != torch.int64 or bool((position < 0).any()):
            raise RecipeError("'position' must be two whole numbers, 0 or more")
        self.epochs_done, self.steps_done = position.tolist()
        layout, of_targets = self.settings.layout, rooms["target_moments"]
        self.moments = _restored_moments(rooms["moments"], layout.widths[0])
        self.target_moments = _restored_moments(of_targets, layout.n_outputs) if of_targets else None
        model = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        try:
            self.step.load_state_dict(model | rooms["step"])
        except RuntimeError as error:
            raise RecipeError(f"the step's state does not fit the settings: {error}") from error
        self.optimiser = self._build_optimiser()
        fused, parameters = self.optimiser.param_groups[0].get("fused"), dict(self.model.named_parameters())
        for name, tensor in rooms["optimiser"].items():
            parameter_name, _, key = name.rpartition(".")
            parameter = parameters.get(parameter_name)
            if parameter is None or tensor.shape not in (parameter.shape, torch.Size()):
                raise RecipeError(f"'optimiser.{name}' does not fit a parameter of the network")
            # torch's own optimisers count their steps on the CPU
            on_device = fused or tensor.shape == parameter.shape
            self.optimiser.state[parameter][key] = tensor.to(parameter.device) if on_device else tensor

    def add_moments(self, moments: Moments, targets: Moments | None = None) -> None:
        """Add the moments of more rows and of their targets, and scale by the moments of all added so far.

        A fixed scaling stays once it has moments, and these stay as well.

        Parameters
        ----------
        moments : Moments
            Column statistics of the rows.
        targets : Moments, optional
            Column statistics of their targets; by default the rows are their own targets.
        """
        settings = self.settings
        if settings.scaling.fixed and self.moments.count:
            return
        if targets is not None and self.target_moments is None:
            self.target_moments = copy.deepcopy(self.moments)  # so far, rows were their own targets
        self.moments.merge(moments)
        if self.target_moments is not None:
            self.target_moments.merge(moments if targets is None else targets)
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
        checkpoints: Checkpoints | None = None,
        processes: Mesh = ONE_PROCESS,
    ) -> None:
        """Train for the settings' epochs, starting at the present weights or at a checkpoint.

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
        checkpoints : Checkpoints or None
            The folder with the run's log and its checkpoints; if it has one to go on from, the run goes on there.
        processes : Mesh, default=ONE_PROCESS
            The processes that train together; all call this with the same arguments. Process 0 alone writes to the
            folder and shows the bar.

        Warns
        -----
        Diverged
            The loss was no longer finite. The run stops, and the last copied weights with a finite loss are kept; see
            `DivergenceGuard`.
        TargetMissed
            After the calibration a target is still missed by more than a tenth.
        ExtremeRows
            As of `warn_of_extreme_errors`.

        Notes
        -----
        KeyboardInterrupt is raised again after the learner's state has been updated: what was trained until then is
        kept, and `partial_fit` can continue. An epoch that was interrupted counts as done.

        A resumed run ends with the same bits: order and noise are functions of the seed and the position, and what
        follows the last step is computed again.
        """
        self.processes = processes
        last, first = None if checkpoints is None else checkpoints.last, processes.all.rank == 0
        tensors = {} if last is None else load_tensors(last.file, processes.latents, self.step.names_of_parts())
        distributed = processes.latents.size > 1 and processes.rows.rank == 0
        saves = checkpoints is not None and checkpoints.every is not None and (first or distributed)
        checkpoints, bar = checkpoints if first else None, bar and first
        if last is not None:  # before the feed, which depends on the scaling
            restore_model(self.model, tensors)
            self.restore(starting_with("learner", tensors))
        training, calibration = split_for_calibration(self.settings, source, target, self.seed)
        settings, feed = self.settings, self._feed(*training)
        rate, clip, epochs = settings.learning_rate, settings.solver.clip, settings.epochs
        if settings.max_steps is not None:
            epochs = min(epochs, -(-settings.max_steps // len(feed.bounds)))
        run = Run(self.step, feed, self.optimiser, rate, epochs, settings.constraint, clip)
        run.max_steps, run.validate_every = settings.max_steps, settings.validate_every
        if last is not None:
            feed.resume(starting_with("feed", tensors))
        else:
            x, y = self._sample(feed)
            self.step.initialise(x, target=y, steps=run.n_steps, from_scratch=self.untrained)
            self._draw_blind_spots(x)
            del x, y
            share_state(processes, self.step)
        guard = DivergenceGuard(self.step, best=keep_best)
        hooks: list[Hook] = []
        if settings.resample is not None:
            hooks.append(Resampling(settings.resample))
        if settings.redirect is not None:
            hooks.append(Redirecting(settings.redirect))
        if settings.order is not None:
            hooks.append(Ordering(settings.order))
        if validation is not None:
            hooks.append(Validation(self._feed(*validation)))
        if keep_best is not None:
            hooks.append(keep_best)
        self.recorder = self._recorder(run, checkpoints)
        if last is not None:
            restore_run(tensors, last.description.stopped, run, self.recorder, guard, keep_best)
            del tensors
        try:
            with ProgressBar(epochs) if bar else nullcontext() as progress:
                self._learn(
                    run,
                    guard,
                    *hooks,
                    *([progress] if progress is not None else []),
                    keep_best=keep_best,
                    checkpoints=checkpoints,
                    saves=saves,
                    resumed=last is not None,
                )
            if guard.diverged is None:
                run.optimiser.zero_grad()
                del run  # with the running means of its optimiser: what goes on from here is another run
                self.optimiser = self._build_optimiser()
                rows, targets = self._sample(feed if calibration == training else self._feed(*calibration))
                self._calibrate(rows, targets)
                self._measure_blind_spots(rows, targets)
                if not self.has_extreme_rows:
                    rng = generator(self.seed, "some")
                    warn_of_extreme_errors(self.model, *feed.sample(ERROR_ROWS, rng))
        except KeyboardInterrupt:
            self.stopped = self.stopped or "interrupted before the targets were calibrated"
            raise
        finally:
            self.processes = ONE_PROCESS
            if checkpoints is not None:  # from here on the history is in memory
                self.recorder = Recorder(self.recorder.history())
                checkpoints.end(steps=self.steps_done, stopped=self.stopped)

    def _recorder(self, run: Run, checkpoints: Checkpoints | None) -> Recorder:
        """Return the recorder of a new or a resumed run, which writes to its log if there are checkpoints."""
        by_steps = run.validate_every is not None
        if checkpoints is None:
            return Recorder(by_steps=by_steps)
        log = checkpoints.begin(
            rows=len(run.feed.source),
            batch_size=run.feed.batch_size,
            epochs=run.epochs,
            steps=run.n_steps,
            validate_every=run.validate_every,
        )
        return Recorder(log=log, by_steps=by_steps)

    def partial_fit(self, source: Source, target: Source | None = None) -> None:
        """Train for one epoch of these rows, continuing from all earlier epochs.

        Schedules stand at their last value, because the end of the run is not known; a scheduled learning rate is
        replaced by 0.001. Targets are not calibrated. Dead latents are resampled at the steps of all calls together, as
        in a run of 4,000 steps. After KeyboardInterrupt as after that of `fit`.

        Parameters
        ----------
        source : Source
            Rows to train on.
        target : Source or None
            Each row's partner, which is to be reconstructed; None: the row itself.

        Raises
        ------
        RecipeError
            The latents are to be sorted by firing rate, and `fit` was not called before.

        Warns
        -----
        Diverged
            As of `fit`.
        """
        settings, from_scratch = self.settings, self.untrained
        if from_scratch and settings.order is not None:
            raise RecipeError(
                "ordered=True sorts the latents during the first half of a run, but a run of partial_fit has no known "
                "end; set ordered=False, or call fit first"
            )
        feed, hides = self._feed(source, target), self.model.blind_spots is not None
        if from_scratch:
            x, y = self._sample(feed)
            self.step.initialise(x, target=y, steps=OPEN_ENDED_STEPS)
            del x, y
        if hides:
            self._draw_blind_spots(self._sample(feed)[0])
        rate = settings.learning_rate
        run = Run(
            self.step,
            feed,
            self.optimiser,
            PARTIAL_FIT_LEARNING_RATE if isinstance(rate, Schedule) else rate,
            self.epochs_done + 1,
            constraint=settings.constraint,
            clip=settings.solver.clip,
            epoch=self.epochs_done,
            steps=self.steps_done,
            open_ended=True,
        )
        hooks = [] if settings.resample is None else [Resampling(settings.resample)]
        self._learn(run, DivergenceGuard(self.step, self.steps_done), *hooks)
        if hides:
            self._measure_blind_spots(*self._sample(feed))

    def _build_optimiser(self) -> torch.optim.Optimizer:
        parameters = parameter_groups(self.step.named_parameters(), self.settings.weight_decay)
        return self.settings.solver.build(parameters, PARTIAL_FIT_LEARNING_RATE)

    def _learn(
        self,
        run: Run,
        guard: DivergenceGuard,
        *hooks: Hook,
        keep_best: EarlyStopping | None = None,
        checkpoints: Checkpoints | None = None,
        saves: bool = False,
        resumed: bool = False,
    ) -> None:
        """Train to the run's end; update the position and the history, also after an interrupt.

        With checkpoints, an interrupt waits until the step is done and a checkpoint is written. So it does where
        several processes train, which stop after the same step. `saves`: this process writes checkpoints, or sends its
        latents to the one that does.
        """
        processes = self.processes
        run.hooks = (self.recorder, guard, *hooks)  # the recorder first: an interrupted hook then loses no record
        if not resumed:
            self.recorder.start()
        start, stop = run.feed.bounds[0]  # the largest batch
        small = one_thread_if_small(-(-(stop - start) // processes.rows.size) * self.model.row_multiplications)
        holds = checkpoints is not None or processes.all.size > 1
        try:
            with small, HeldSignals(processes.all) if holds else nullcontext() as held:
                for record in train(run):
                    if record.ends_interval:
                        self.recorder.complete_interval()
                        check_weights(processes, self.step)
                    stops = held is not None and held.share()
                    if checkpoints is not None and record.ends_interval:
                        loss = record.numbers.get("validation_loss")
                        checkpoints.validation_loss = checkpoints.validation_loss if loss is None else loss.item()
                    due = checkpoints is not None and checkpoints.due(run.steps)
                    if saves and processes.latents.any(stops or run.ended or due):
                        self._save(run_tensors(self.state(), run, self.recorder, guard, keep_best), run, checkpoints)
                    if held is not None and stops:
                        processes.all.wait()  # until the checkpoint is written
                        held.deliver()
        except KeyboardInterrupt:
            run.stop_reason = f"interrupted in epoch {run.epoch + 1} of {run.epochs}"
            guard.check_weights(run)
            raise
        finally:
            if self.recorder.position is not None:  # not the run's own position, which may be one step ahead
                self.epochs_done, self.steps_done = self.recorder.position
            self.stopped = run.stop_reason
            with uninterrupted():
                best = keep_best is not None and keep_best.restore(self.step)
                self.recorder.complete_interval()
                if guard.diverged is not None:
                    # its moments are no longer finite
                    self.optimiser = self._build_optimiser()
                    if best and run.stop_reason is not None:
                        self.stopped = run.stop_reason.replace(guard.kept, "the weights of the least validation loss")
        if run.rows_ended and isinstance(run.feed.source, Stream) and not run.feed.source.restarts:
            advice = "set max_steps to that, or give a callable or an iterable that starts again"
            warnings.warn(f"{self.stopped}; {advice}", RowsEnded, stacklevel=5)
        if guard.diverged is not None:
            advice = "lower learning_rate, or set solver='adam:clip=1'"
            warnings.warn(f"{self.stopped}; {advice}", Diverged, stacklevel=4)

    def _save(self, state: dict[str, Tensor], run: Run, checkpoints: Checkpoints | None) -> None:
        """Write a checkpoint, or send what this process has of it."""
        axis, parts = self.processes.latents, self.step.names_of_parts()
        if checkpoints is None:
            save_tensors(state, None, axis, parts)
        else:
            checkpoints.write(
                lambda file: save_tensors(state, file, axis, parts), steps=run.steps, stopped=run.stop_reason
            )

    def _draw_blind_spots(self, x: Tensor) -> None:
        """Draw what entries are hidden with when the model denoises."""
        spots, noise, rng = self.model.blind_spots, self.settings.corruption, generator(self.seed, "blind spots")
        if spots is not None and isinstance(noise, BlindSpot):
            spots.draw(x, noise.shape, rng)

    def _measure_blind_spots(self, x: Tensor, target: Tensor) -> None:
        """Measure the errors of hidden entries, by which `denoise` joins estimates and noisy values."""
        spots, noise = self.model.blind_spots, self.settings.corruption
        if spots is not None and isinstance(noise, BlindSpot):
            std = noise.noise if isinstance(noise.noise, float | int) else None
            if self.settings.layout.network.same_at_each_pixel:  # few images have many pixels
                x, target = x[:MAX_SPOT_IMAGES], target[:MAX_SPOT_IMAGES]
            spots.measure(self.model, x, target, None if std is None else (std / self.model.scale) ** 2)

    def _calibrate(self, x: Tensor, target: Tensor) -> None:
        """Meet the targets by a closing shift of the biases; warn of a target missed by more than a tenth."""
        for name, result in self.step.calibrate(x, target).items():
            term = self.settings.objective.by_name()[name]
            if abs(result.ratio - 1) > 0.1:
                measured = result.ratio * (term.target_value or 0)
                if bool((x == x[0]).all()):
                    reason = "all rows are equal, so each latent is active on all or on none; give rows that differ"
                else:
                    shift = "would raise the reconstruction error too much" if result.harmful else "does not exist"
                    reason = f"a shift of all biases that meets it {shift}; set a target nearer to {measured:.4g}"
                    reason += ", or train longer (max_iter)"
                warnings.warn(
                    f"{term.name}: the target {term.target_value:g} was missed, the rows have {measured:.4g}; {reason}",
                    TargetMissed,
                    stacklevel=4,
                )

    def _sample(self, feed: Feed) -> tuple[Tensor, Tensor]:
        """Return at most SAMPLE_ROWS of the rows and their targets, drawn by the seed, scaled and on the device."""
        return feed.sample(SAMPLE_ROWS, generator(self.seed, "some"))

    def _feed(self, source: Source, target: Source | None = None) -> Feed:
        settings, model = self.settings, self.model
        scale_rows = model.scale_columns if model.rescales else model.cast
        own = target is None and settings.target_scaling == settings.scaling
        scale_targets = None if own else model.scale_targets if model.rescales_targets else model.cast
        noise, device = settings.corruption, settings.device
        gaps = [may_miss(each, settings.survey_rows) for each in (source, target) if each is not None]
        masked = True if True in gaps else None if None in gaps else False
        if masked is None and self.processes.rows.size > 1:  # which share a batch, and each reads its own rows only
            masked = True
        fill = model.scaled_mean
        lengths, window = model.row_lengths, settings.shuffle_window
        rows = settings.batch_size, self.seed
        feed = Feed(source, scale_rows, *rows, noise, target, device, scale_targets, fill, masked, lengths, window)
        feed = replace(feed, rows=self.processes.rows)
        if isinstance(source, Stream):
            assert settings.validate_every is not None
            return StreamFeed(**vars(feed), steps=settings.validate_every)
        return feed


def split_for_calibration(settings: Settings, source: Source, target: Source | None, seed: int) -> tuple[Pairs, Pairs]:
    """Return the rows to train on and those on which targets are calibrated, each with their partners.

    Mean activations are calibrated on the training rows. An L0 is calibrated on a held-out tenth of the rows, if there
    are enough: latents are fitted to the training rows, and more of them are active on other rows. So are the errors of
    hidden entries, which are smaller on rows that were trained on.
    """
    enough = len(source) >= MIN_ROWS_TO_HOLD_OUT and can_be_split(source)
    if not (settings.calibrates_on_held_out and enough):
        return (source, target), (source, target)
    return split_pairs((source, target), min(0.1, SAMPLE_ROWS / len(source)), seed, "meet")


def _restored_moments(tensors: Mapping[str, Tensor], width: int) -> Moments:
    moments = Moments.from_arrays({name: tensor.numpy() for name, tensor in tensors.items()})
    if len(moments.mean) != width:
        raise RecipeError("the moments are not those of the network's inputs, or of its outputs")
    return moments
