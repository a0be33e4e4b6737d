"""A run with checkpoints: what it is, and whether the rows and the parameters that it goes on with are the same."""

from __future__ import annotations

import platform
import warnings
from inspect import signature
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from ..artifact import EstimatorRecord
from ..core.errors import DataError, NotExact, RecipeError
from ..core.version import __version__
from ..data.fingerprint import Fingerprint
from ..data.survey import fingerprint_of, plain_surveys
from ..training import Checkpoints, Learner, Settings
from ..training.processes import check_facts, count
from .parameters import shipped_class
from .persistence import class_of, estimator_record, estimator_with, plain_value
from .resolve import device

if TYPE_CHECKING:
    from ..core.world import Axis
    from ..data.sources import Source
    from .rows import RowsAndTargets

UNCHECKED = ("random_state", "verbose")  # the run's seed is kept; a bar changes nothing


def begin(
    estimator: Any,
    checkpoints: Checkpoints,
    learner: Learner,
    source: Source,
    targets: Source | None,
    held_out: RowsAndTargets | None,
) -> None:
    """Set what a new run is, which its checkpoints hold.

    Parameters
    ----------
    estimator : BaseAutoencoder
        The estimator.
    checkpoints : Checkpoints
        The run's checkpoints.
    learner : Learner
        The learner, with the fingerprint of its rows.
    source : Source
        The rows.
    targets : Source or None
        The rows' targets.
    held_out : (Source, Source or None) or None
        The validation rows and their targets.
    """
    rows = learner.settings.survey_rows
    checkpoints.run = {
        "estimator": msgspec.to_builtins(estimator_record(estimator)),
        "settings": learner.settings.to_dict(),
        "seed": learner.seed,
        "scaling": learner.scaling_description,
        "rows": msgspec.to_builtins({"X": learner.training_rows} | _others(targets, held_out, rows)),
        "held_out": msgspec.to_builtins(learner.held_out_rows),
        "surveys": plain_surveys([source, targets, *(held_out or ())], rows),
        "threads": torch.get_num_threads(),
        "processes": count(),
    } | _place()


def check_alike(
    processes: Axis, estimator: Any, learner: Learner, targets: Source | None, held_out: RowsAndTargets | None
) -> None:
    """Raise DataError unless all processes train the same estimator on the same rows; arguments as of `begin`."""
    if processes.size > 1:
        parameters = estimator_record(estimator).parameters
        facts = {f"parameter {name}": value for name, value in parameters.items() if name not in UNCHECKED}
        facts |= {"seed": learner.seed, "X": learner.training_rows} | _others(
            targets, held_out, learner.settings.survey_rows
        )
        facts |= {"taciturn": __version__, "torch": torch.__version__}
        check_facts(processes, {name: repr(value) for name, value in facts.items()})


def estimator_of(checkpoints: Checkpoints, family: type[Any]) -> Any:
    """Return the unfitted estimator of a run, which must be of the class `family`."""
    from .base import BaseAutoencoder

    record = msgspec.convert(checkpoints.run["estimator"], EstimatorRecord)
    kind = class_of(record, BaseAutoencoder)
    if not issubclass(kind, family):
        raise RecipeError(
            f"{checkpoints.folder} holds a run of {kind.__name__}, not of {family.__name__}; use {kind.__name__}.resume"
        )
    return estimator_with(kind, record)


def resumed_learner(
    estimator: Any,
    checkpoints: Checkpoints,
    seed: int,
    source: Source,
    targets: Source | None,
    held_out: RowsAndTargets | None,
    latents: Axis,
) -> Learner:
    """Return the learner of a run that goes on; `Learner.fit` restores its state.

    Parameters
    ----------
    estimator, checkpoints, targets, held_out
        As of `begin`.
    seed : int
        The seed of every draw.
    source : Source
        The rows.
    latents : Axis
        The axis over which latents are distributed.

    Raises
    ------
    RecipeError
        A parameter of the estimator is not that of the run, or a setting is not possible here.
    DataError
        The rows are not those of the run.

    Warns
    -----
    NotExact
        The versions, the machine, or the number of threads or of processes are others.
    """
    run, folder = checkpoints.run, checkpoints.folder
    now, then = msgspec.to_builtins(estimator_record(estimator)), run["estimator"]
    defaults = signature(shipped_class(type(estimator)).__init__).parameters  # of those that earlier versions lacked
    values = {
        name: (then["parameters"][name] if name in then["parameters"] else plain_value(defaults[name].default), value)
        for name, value in now["parameters"].items()
    }
    values |= {"estimator": (then["name"], now["name"]), "seed": (run["seed"], seed)}
    for name, (before, value) in values.items():
        if before != value and name not in UNCHECKED:
            raise RecipeError(
                f"{folder}: the run began with {name}={before!r}, but is to go on with {value!r}; restore it, or begin "
                "a new run"
            )
    settings = Settings.from_dict(run["settings"])
    surveyed = settings.survey_rows
    rows = {"X": fingerprint_of(source, surveyed)} | _others(targets, held_out, surveyed)
    before = msgspec.convert(run["rows"], dict[str, Fingerprint | None])
    for name, fingerprint_now in rows.items():
        _check_rows(name, before[name], fingerprint_now)
    here = _place() | {"threads": torch.get_num_threads(), "processes": count()}
    run = {"processes": 1} | run  # of earlier versions
    if others := [f"{name} {run[name]}, now {value}" for name, value in here.items() if run[name] != value]:
        warnings.warn(
            NotExact(f"{folder}: the run began with {'; '.join(others)}: last digits may differ"), stacklevel=4
        )
    device(settings.device)
    learner = Learner(settings, run["seed"], latents=latents)
    learner.shape, learner.n_rows, learner.training_rows = source.shape, len(source), rows["X"]
    learner.held_out_rows = msgspec.convert(run["held_out"], Fingerprint | None)
    learner.scaling_description = run["scaling"]
    return learner


def _others(
    targets: Source | None, held_out: RowsAndTargets | None, surveyed: int | None
) -> dict[str, Fingerprint | None]:
    sources = {"target": targets} | dict(zip(("validation", "its targets"), held_out or (None, None), strict=True))
    return {name: None if source is None else fingerprint_of(source, surveyed) for name, source in sources.items()}


def _check_rows(name: str, before: Fingerprint | None, now: Fingerprint | None) -> None:
    """Raise DataError unless rows are those with which the run began."""
    if before == now:
        return
    mend = "give the rows with which the run began, or begin a new run"
    if before is None or now is None:
        raise DataError(f"the run began {'without' if before is None else 'with'} {name}; {mend}")
    if before.count != now.count:
        raise DataError(f"{name} has {now.count:,} rows, but the run began with {before.count:,}; {mend}")
    if before.dtype != now.dtype:
        raise DataError(f"{name} has the type {now.dtype}, but the run began with {before.dtype}; {mend}")
    if before.ranges != now.ranges:
        raise DataError(
            f"{name} has other files or row groups than when the run began, and so another order of rows; {mend}"
        )
    first, last = before.first_difference(now) or (0, now.count - 1)
    raise DataError(f"{name} is not that with which the run began: of rows {first:,} to {last:,} some differ; {mend}")


def _place() -> dict[str, Any]:
    return {
        "taciturn": __version__,
        "torch": str(torch.__version__),
        "machine": platform.processor() or platform.machine(),
    }
