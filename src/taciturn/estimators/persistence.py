"""Conversion of a learner to an artifact, and of an artifact to a learner."""

import json
import platform
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import sklearn
import torch

from ..artifact import Artifact, EstimatorRecord, RowsRecord, TrainingRecord, Versions
from ..core.errors import ArtifactError, ClassNotImported, RecipeError
from ..core.messages import one_line
from ..core.recipe import Recipe
from ..core.version import __version__
from ..training import History, Learner, Recorder
from .parameters import parameter_names, shipped_class


def artifact_of(estimator: Any, learner: Learner, history: History) -> Artifact:
    """Return the artifact of a fitted estimator.

    Parameters
    ----------
    estimator : BaseAutoencoder
        The estimator.
    learner : Learner
        Its learner; the model is shared, not copied.
    history : History
        The numbers of each step and epoch.

    Returns
    -------
    Artifact
        Without metrics, and without the source of the rows.
    """
    variables = getattr(estimator, "variables_", None)
    columns = getattr(estimator, "feature_names_in_", None) if variables is None else variables.columns
    return Artifact(
        model=learner.model,
        settings=learner.settings,
        estimator=estimator_record(estimator),
        training=TrainingRecord(
            seed=learner.seed,
            epochs=learner.epochs_done,
            steps=learner.steps_done,
            seconds=float(sum(history.epochs.get("seconds", []))),
            stopped=learner.stopped,
            threads=torch.get_num_threads(),
        ),
        rows=RowsRecord(
            count=learner.n_rows,
            columns=None if columns is None else [str(name) for name in columns],
            shape=list(estimator._row_shape(learner.shape)),
            scaling=learner.scaling_description,
            training=learner.training_rows,
            held_out=learner.held_out_rows,
            variables=variables,
            image_shape=None if (shape := getattr(estimator, "image_shape_in_", None)) is None else list(shape),
            remembered=learner.remembered,
        ),
        versions=Versions(
            taciturn=__version__,
            torch=str(torch.__version__),
            numpy=np.__version__,
            scikit_learn=sklearn.__version__,
            python=platform.python_version(),
        ),
        machine=platform.processor() or platform.machine(),
        state=learner.state(),
        outliers=estimator._stored_tensors(),
        history=history,
    )


def estimator_record(estimator: Any) -> EstimatorRecord:
    """Return an estimator's class and parameters, as config.json holds them."""
    kind = type(estimator)
    parameters = {name: plain_value(getattr(estimator, name)) for name in parameter_names(kind)}
    for name, value in parameters.items():
        if not _is_plain(value):
            raise ArtifactError(f"{name}={value!r} cannot be saved; give it as a text, a number or a part of taciturn")
    shipped = shipped_class(kind).__name__
    return EstimatorRecord(name=kind.__name__, module=kind.__module__, shipped=shipped, parameters=parameters)


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def class_of(record: EstimatorRecord, family: type[Any]) -> type[Any]:
    """Return the class of a saved estimator.

    Parameters
    ----------
    record : EstimatorRecord
        The estimator's record.
    family : type
        The base class of all estimators.

    Returns
    -------
    type
        The class itself, if its module is imported; else the class of taciturn that it inherits from. Nothing is
        imported.

    Raises
    ------
    RecipeError
        taciturn has no such class.

    Warns
    -----
    ClassNotImported
        The class is not imported.
    """
    classes = list(_subclasses(family))
    for kind in classes:
        if (kind.__name__, kind.__module__) == (record.name, record.module):
            return kind
    shipped = {kind.__name__: kind for kind in classes if shipped_class(kind) is kind}
    if record.shipped not in shipped:
        raise RecipeError(f"no estimator is named {one_line(repr(record.shipped))}; there are {', '.join(shipped)}")
    kind = shipped[record.shipped]
    if record.name != record.shipped:
        warnings.warn(
            f"loaded as {record.shipped}, because the class {one_line(record.name)} of the module "
            f"{one_line(record.module)} is not imported; import it before loading",
            ClassNotImported,
            stacklevel=3,
        )
    return kind


def estimator_with(kind: type[Any], record: EstimatorRecord) -> Any:
    """Return a new estimator of a class, with a saved estimator's parameters."""
    given = {name: _as_given(value) for name, value in record.parameters.items()}
    names = parameter_names(kind)
    if kind.__name__ != record.name:  # the class of taciturn that it inherits from: fewer parameters
        given = {name: given[name] for name in names if name in given}
    inherited = {name: given.pop(name) for name in names if name in given and name not in kind._get_param_names()}
    estimator = kind(**given)
    for name, value in inherited.items():
        setattr(estimator, name, value)
    return estimator


def _as_given(value: Any) -> Any:
    """Return a parameter as it was given, for one read from JSON: lists are tuples."""
    return tuple(map(_as_given, value)) if isinstance(value, list) else value


def _subclasses(family: type[Any]) -> Iterator[type[Any]]:
    for kind in family.__subclasses__():
        yield kind
        yield from _subclasses(kind)


def learner_of(artifact: Artifact) -> Learner:
    """Return the learner that an artifact describes, on the CPU. Nothing is resolved anew.

    Parameters
    ----------
    artifact : Artifact
        The artifact; the learner shares its model.

    Returns
    -------
    Learner

    Raises
    ------
    RecipeError
        The state does not fit the settings.
    """
    training, rows = artifact.training, artifact.rows
    learner = Learner(replace(artifact.settings, device="cpu"), training.seed, artifact.model)
    learner.restore(artifact.state)
    if (learner.epochs_done, learner.steps_done) != (training.epochs, training.steps):
        raise RecipeError("'position' is not that of config.json")
    learner.stopped, learner.shape, learner.n_rows = training.stopped, tuple(rows.shape), rows.count
    learner.training_rows, learner.held_out_rows = rows.training, rows.held_out
    learner.remembered = rows.remembered
    learner.scaling_description = rows.scaling
    learner.recorder = Recorder(artifact.history)
    return learner


def plain_value(value: Any) -> Any:
    """Return a parameter's value as JSON and TOML can hold it.

    Parameters
    ----------
    value : object
        The value of an estimator's parameter.

    Returns
    -------
    str, int, float, bool, list or None
        A part becomes its text, a tuple a list, a NumPy number a Python number, a random generator None. Other values
        are returned themselves.

    Examples
    --------
    >>> from taciturn.corruption import Gaussian
    >>> plain_value(("relu", Gaussian(0.4), np.float64(0.5)))
    ['relu', 'gaussian:0.4', 0.5]
    """
    if isinstance(value, Recipe):
        return value.text
    if isinstance(value, tuple | list):
        return [plain_value(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.random.RandomState):
        return None  # a recipe cannot hold its state; "seed" under "training" is the seed that was drawn from it
    return value
