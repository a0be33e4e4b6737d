"""Conversion of a learner to an artifact, and of an artifact to a learner."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sklearn
import torch

from ..artifact import Artifact
from ..core.errors import RecipeError
from ..core.recipe import Recipe
from ..core.version import __version__
from ..data.moments import Moments
from ..training import History, Learner, Recorder
from .parameters import RunParameters
from .resolve import resolve


def artifact_of(
    learner: Learner,
    history: History,
    *,
    estimator: str,
    parameters: Mapping[str, Any],
    columns: Sequence[str] | None,
    rows: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> Artifact:
    """Return the artifact of a learner.

    Parameters
    ----------
    learner : Learner
        The learner; its model is shared, not copied.
    history : History
        The numbers of each step and epoch.
    estimator : str
        Name of the estimator's class.
    parameters : mapping of str to object
        The estimator's parameters.
    columns : sequence of str or None
        The columns' names, if they have some.
    rows : mapping of str to object
        Entries that are added to "rows" of the config, or replace some.
    metrics : mapping of str to object
        Errors and sparsity of the model.

    Returns
    -------
    Artifact
    """
    settings, moments = learner.settings, learner.moments
    config = {
        "versions": {
            "taciturn": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "python": platform.python_version(),
        },
        "machine": platform.processor() or platform.machine(),
        "estimator": estimator,
        "parameters": {name: plain_value(value) for name, value in parameters.items()},
        "objective": settings.objective.to_dict(),
        "corruption": settings.corruption.to_dict(),
        "scaling": settings.scaling.to_dict(),
        "scaling_said": learner.scaling_description,
        "training": {
            "seed": learner.seed,
            "solver": settings.solver.to_dict(),
            "learning_rate": plain_value(settings.learning_rate),
            "batch_size": settings.batch_size,
            "epochs": learner.epochs_done,
            "steps": learner.steps_done,
            "seconds": float(sum(history.epochs.get("seconds", []))),
            "stopped": learner.stopped,
            "weights": {name: controller.log_weight.item() for name, controller in learner.step.controlled()},
            "device": settings.device,
            "threads": torch.get_num_threads(),
        },
        "rows": {
            "count": moments.count,
            "norm": moments.norm,
            "columns": None if columns is None else [str(name) for name in columns],
            "shape": list(learner.shape),
            "held_out": learner.held_out,
            "split_seed": learner.seed,
            "mean": moments.mean.tolist(),
            "variance": moments.variance.tolist(),
            "low": moments.low.tolist(),
            "high": moments.high.tolist(),
        }
        | dict(rows),
    }
    return Artifact(learner.model, config, history, dict(metrics))


def learner_of(artifact: Artifact, parameters: RunParameters) -> Learner:
    """Return the learner that an artifact describes, on the CPU; its training continues with a fresh optimiser.

    Parameters
    ----------
    artifact : Artifact
        The artifact.
    parameters : RunParameters
        The parameters of the artifact's estimator.

    Returns
    -------
    Learner

    Raises
    ------
    RecipeError
        The parameters describe another network than the artifact's.
    """
    config, rows = artifact.config, artifact.config["rows"]
    scaling = artifact.recipe("scaling")
    moments = Moments(with_products=scaling.whitens)
    moments.count, moments.norm = rows["count"], rows["norm"]
    moments.mean, moments.low, moments.high = (np.asarray(rows[name]) for name in ("mean", "low", "high"))
    moments.squares = np.asarray(rows["variance"]) * moments.count
    if scaling.whitens:
        std, colouring = np.sqrt(moments.squares), artifact.model.colouring.numpy()
        moments.products = colouring @ colouring * std * std[:, None]
    settings = resolve(
        replace(parameters, scaling=scaling, output_activation=artifact.model.layout.output, device="cpu"),
        moments,
        np.dtype(float),
    )
    if settings.layout != artifact.model.layout:
        raise RecipeError("its parameters describe another network than the one that is stored")
    learner = Learner(settings, config["training"]["seed"])
    learner.model.load_state_dict(artifact.model.state_dict())
    learner.moments, learner.scaling_description = moments, config["scaling_said"]
    learner.epochs_done, learner.steps_done = config["training"]["epochs"], config["training"]["steps"]
    learner.stopped, learner.shape = config["training"]["stopped"], tuple(rows["shape"])
    learner.recorder = Recorder(artifact.history)
    for name, controller in learner.step.controlled():
        controller.reset(
            scale=float((moments.variance / learner.model.scale.numpy() ** 2).mean()), steps=learner.steps_done
        )
        controller.log_weight.fill_(config["training"]["weights"][name])
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
