"""An estimator as an artifact and back."""

import os
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
import sklearn
import torch

from .. import __version__, artifact
from ..artifact import Artifact
from ..errors import ArtifactError, RecipeError
from ..moments import Moments
from ..recipe import Recipe
from .base import BaseAutoencoder
from .learner import Learner
from .settings import settle


def save(estimator: BaseAutoencoder, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a fitted estimator as an artifact's folder."""
    artifact.save(described(estimator), path, overwrite=overwrite)


def described(
    estimator: BaseAutoencoder, *, rows: Mapping[str, Any] | None = None, metrics: Mapping[str, Any] | None = None
) -> Artifact:
    """Return the artifact of a fitted estimator; `rows` and `metrics` say more of the rows and the results."""
    learner = estimator._learner
    now, moments = learner.settings, learner.moments
    names = getattr(estimator, "feature_names_in_", None)
    config = {
        "versions": {
            "taciturn": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "python": platform.python_version(),
        },
        "machine": platform.processor() or platform.machine(),
        "estimator": type(estimator).__name__,
        "parameters": plain(estimator),
        "objective": now.objective.to_dict(),
        "corruption": now.corruption.to_dict(),
        "scaling": now.scaling.to_dict(),
        "scaling_said": estimator.scaling_,
        "training": {
            "seed": learner.seed,
            "solver": now.solver.to_dict(),
            "learning_rate": _plain(now.learning_rate),
            "batch_size": now.batch_size,
            "epochs": learner.epochs_done,
            "steps": learner.steps_done,
            "seconds": float(sum(estimator.history_.epochs.get("seconds", []))),
            "stopped": learner.stopped,
            "device": now.device,
            "threads": torch.get_num_threads(),
        },
        "rows": {
            "count": moments.count,
            "columns": None if names is None else [str(name) for name in names],
            "shape": [now.layout.widths[0]],
            "mean": moments.mean.tolist(),
            "variance": moments.variance.tolist(),
            "low": moments.low.tolist(),
            "high": moments.high.tolist(),
        }
        | dict(rows or {}),
    }
    return Artifact(learner.model, config, estimator.history_, dict(metrics or {}))


def plain(estimator: BaseAutoencoder) -> dict[str, Any]:
    """Return an estimator's parameters as values that JSON and TOML can hold; parts become their text."""
    return {name: _plain(value) for name, value in estimator.get_params(deep=False).items()}


def load(path: str | os.PathLike[str]) -> BaseAutoencoder:
    """Return the estimator that a folder holds."""
    return restored(artifact.load(path), path)


def restored(kept: Artifact, path: str | os.PathLike[str]) -> BaseAutoencoder:
    """Return the estimator of a loaded artifact."""
    known = {kind.__name__: kind for kind in BaseAutoencoder.__subclasses__()}
    config = kept.config
    kind = known.get(config.get("estimator", ""))
    if kind is None:
        raise ArtifactError(f"{path}: no estimator is named {config.get('estimator')!r}; there are {', '.join(known)}")
    try:
        estimator: BaseAutoencoder = kind(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in config["parameters"].items()}
        )
        _fill(estimator, kept)
    except (KeyError, TypeError, RecipeError) as error:
        raise ArtifactError(f"{path}: config.json does not describe an estimator: {error}") from error
    return estimator


def _fill(estimator: BaseAutoencoder, kept: Artifact) -> None:
    rows, config = kept.config["rows"], kept.config
    moments = Moments()
    moments.count = rows["count"]
    for name in ("mean", "low", "high"):
        setattr(moments, name, np.asarray(rows[name]))
    moments.squares = np.asarray(rows["variance"]) * moments.count
    settings = settle(
        estimator._parameters() | {"scaling": kept.recipe("scaling"), "device": "cpu"}, moments, np.dtype(float)
    )
    if settings.layout != kept.model.layout:
        raise RecipeError("its parameters ask for another network than the one that is stored")
    learner = Learner(settings, config["training"]["seed"])
    learner.model.load_state_dict(kept.model.state_dict())
    learner.moments = moments
    learner.epochs_done, learner.steps_done = config["training"]["epochs"], config["training"]["steps"]
    learner.stopped = config["training"]["stopped"]
    estimator._learner, estimator.scaling_ = learner, config["scaling_said"]
    estimator.n_features_in_ = kept.model.layout.widths[0]
    if rows["columns"] is not None:
        estimator.feature_names_in_ = np.asarray(rows["columns"], dtype=object)
    estimator.history_, estimator.n_iter_ = kept.history, len(kept.history)


def _plain(value: Any) -> Any:
    if isinstance(value, Recipe):
        return value.text
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.random.RandomState):
        return None  # a generator's state is no recipe; the seed drawn from it stands under training
    return value
