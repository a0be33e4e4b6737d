"""A learner as an artifact and back."""

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


def described(
    learner: Learner,
    history: History,
    *,
    estimator: str,
    parameters: Mapping[str, Any],
    columns: Sequence[str] | None,
    rows: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> Artifact:
    """Return the artifact of what was learnt; `rows` and `metrics` say more of the rows and the results."""
    now, moments = learner.settings, learner.moments
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
        "parameters": {name: plain(value) for name, value in parameters.items()},
        "objective": now.objective.to_dict(),
        "corruption": now.corruption.to_dict(),
        "scaling": now.scaling.to_dict(),
        "scaling_said": learner.scaling_description,
        "training": {
            "seed": learner.seed,
            "solver": now.solver.to_dict(),
            "learning_rate": plain(now.learning_rate),
            "batch_size": now.batch_size,
            "epochs": learner.epochs_done,
            "steps": learner.steps_done,
            "seconds": float(sum(history.epochs.get("seconds", []))),
            "stopped": learner.stopped,
            "weights": {name: controller.log_weight.item() for name, controller in learner.step.controlled()},
            "device": now.device,
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


def restored(kept: Artifact, parameters: RunParameters) -> Learner:
    """Return the learner that an artifact describes; it goes on with a fresh optimiser."""
    config, rows = kept.config, kept.config["rows"]
    scaling = kept.recipe("scaling")
    moments = Moments(with_products=scaling.whitens)
    moments.count, moments.norm = rows["count"], rows["norm"]
    moments.mean, moments.low, moments.high = (np.asarray(rows[name]) for name in ("mean", "low", "high"))
    moments.squares = np.asarray(rows["variance"]) * moments.count
    if scaling.whitens:
        std, colouring = np.sqrt(moments.squares), kept.model.colouring.numpy()
        moments.products = colouring @ colouring * std * std[:, None]
    settings = resolve(replace(parameters, scaling=scaling, device="cpu"), moments, np.dtype(float))
    if settings.layout != kept.model.layout:
        raise RecipeError("its parameters ask for another network than the one that is stored")
    learner = Learner(settings, config["training"]["seed"])
    learner.model.load_state_dict(kept.model.state_dict())
    learner.moments, learner.scaling_description = moments, config["scaling_said"]
    learner.epochs_done, learner.steps_done = config["training"]["epochs"], config["training"]["steps"]
    learner.stopped, learner.shape = config["training"]["stopped"], tuple(rows["shape"])
    learner.recorder = Recorder(kept.history)
    for name, controller in learner.step.controlled():
        controller.reset(
            scale=float((moments.variance / learner.model.scale.numpy() ** 2).mean()), steps=learner.steps_done
        )
        controller.log_weight.fill_(config["training"]["weights"][name])
    return learner


def plain(value: Any) -> Any:
    """Return a parameter as a value that JSON and TOML can hold; a part becomes its text."""
    if isinstance(value, Recipe):
        return value.text
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.random.RandomState):
        return None  # a generator's state is no recipe; the seed drawn from it stands under training
    return value
