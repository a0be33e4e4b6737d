"""Rows that `fit` takes from a generator or a loader: what they must be, and how long a run over them is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.errors import DataError, RecipeError
from ..data.sources import Source, Stream, is_stream
from ..data.sources.stream import can_restart, has_state
from ..training import Settings
from ..training.learner import split_for_calibration
from ..training.processes import refuse
from ..training.run import OPEN_ENDED_STEPS
from .parameters import RunParameters
from .resolve import positive_integer

if TYPE_CHECKING:
    from ..training import Checkpoints

INTERVALS, MAX_INTERVAL_STEPS = 20, 1000  # of a run whose epochs are not counted


def opened(X: Any, parameters: RunParameters, target: Any, checkpoints: Checkpoints | None) -> Any:
    """Return X as a stream if it gives rows one after the other, and itself otherwise.

    Parameters
    ----------
    X : object
        The rows that `fit` was given.
    parameters : RunParameters
        `shuffle_window` decides how many first rows are read; `max_iter` and `max_steps` must fit the rows.
    target : object
        The targets, which a stream cannot have.
    checkpoints : Checkpoints or None
        If the run goes on from one, the loader's first state is set.

    Raises
    ------
    RecipeError
        X can be read once, and the run needs it longer or writes checkpoints; or there are several processes.
    DataError
        There are targets; or as `Stream`.
    """
    if not is_stream(X):
        return X
    refuse("fit on a generator or a loader", "give files")
    if target is not None:
        raise DataError("target: X gives its rows one after the other, which cannot have targets; give arrays or files")
    restarts, resumable = can_restart(X), checkpoints is not None and checkpoints.every is not None
    if not restarts:
        mend = "give a function that returns a fresh one (fit(rows) in place of fit(rows()))"
        if parameters.max_steps is None:
            raise RecipeError(f"X is an iterator, whose end is not known; set max_steps, or {mend}")
        if parameters.max_iter not in (None, 1):
            raise RecipeError(
                f"max_iter={parameters.max_iter!r}: X is an iterator, which can be read only once; {mend}, or set "
                "max_iter=None"
            )
        if resumable and not has_state(X):
            raise RecipeError(
                f"X is an iterator that cannot be set back, so the run could not be resumed; {mend}, or leave out "
                "checkpoint"
            )
    window = parameters.shuffle_window
    last_checkpoint = None if checkpoints is None else checkpoints.last
    first_state = None if last_checkpoint is None else last_checkpoint.get("feed.first")
    stream = Stream(
        X,
        None if window == "auto" else positive_integer("shuffle_window", window),
        with_state=resumable,
        state=None if first_state is None else first_state.numpy().tobytes(),
    )
    if restarts and parameters.max_iter is not None:
        stream.max_passes = positive_integer("max_iter", parameters.max_iter)
        if last_checkpoint is not None and parameters.max_steps is None and not stream.has_state:
            stream.count()  # as when the run began
    return stream


def for_stream(settings: Settings, parameters: RunParameters, source: Source, seed: int) -> Settings:
    """Return the settings of a run over a stream: its number of steps, and that of an interval, which is an epoch.

    Parameters
    ----------
    settings : Settings
        The parts of a run, resolved from the first rows.
    parameters : RunParameters
        The estimator's parameters.
    source : Source
        The rows; settings of those that are not a stream stay as they are.
    seed : int
        The run's seed.
    """
    if not isinstance(source, Stream):
        return settings
    steps, every = settings.max_steps, settings.validate_every
    if steps is None and parameters.max_iter is not None:
        (training, _), _ = split_for_calibration(settings, source, None, seed)
        assert isinstance(training, Stream)
        n_rows = training.count()
        steps = -(-n_rows * positive_integer("max_iter", parameters.max_iter) // settings.batch_size)
        every = every or -(-n_rows // settings.batch_size)
    steps = steps or OPEN_ENDED_STEPS
    every = min(every or min(max(steps // INTERVALS, 1), MAX_INTERVAL_STEPS), steps)
    return replace(settings, max_steps=steps, validate_every=every, epochs=-(-steps // every))
