"""A fitted estimator as a model of MLflow: its own folder, which MLflow loads by this module, without pickle."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.atomic import atomic_folder
from ..core.errors import RecipeError
from ..core.messages import listed
from ..core.run_folder import IMPUTER_ARRAYS, IMPUTER_CONFIG, RUN_FILES
from ..core.version import __version__
from ..trackers.numbers import package

MLFLOW_FILES = frozenset({"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"})
WHAT = "what"  # the parameter of `predict`
METHODS = {"encode": "transform", "denoise": "denoise", "predict": "predict", "score": "score_samples"}


class PyFunc:
    """What `mlflow.pyfunc.load_model` returns is a wrapper of this object.

    Parameters
    ----------
    model : estimator
        A fitted estimator, as `load` returns it.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> NDArray[Any]:
        """Return what the model computes from rows, as a dense array with one row for each.

        Parameters
        ----------
        model_input : array or data frame [n_samples, n_features]
            Rows in the units of the training rows. Names of columns count if the model was trained on names.
        params : mapping, optional
            "what": "encode" for `transform` (the default), "denoise", "predict", or "score" for `score_samples`.

        Raises
        ------
        RecipeError
            The model does not compute that.
        """
        what = (params or {}).get(WHAT, "encode")
        possible = [name for name, method in METHODS.items() if hasattr(self.model, method)]
        if what not in possible:
            raise RecipeError(f"{WHAT}={what!r} is none of {', '.join(possible)}")
        named = hasattr(self.model, "feature_names_in_")
        rows = model_input if named else np.asarray(model_input)
        result = getattr(self.model, METHODS[what])(rows)
        return np.asarray(result.toarray() if hasattr(result, "toarray") else result)


def _load_pyfunc(data_path: str) -> PyFunc:
    """Return the model of a folder; MLflow calls this."""
    from . import load

    return PyFunc(load(data_path))


def save_model(model: Any, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a fitted estimator as a model of MLflow; see `BaseAutoencoder.to_mlflow`."""
    package("mlflow", "mlflow")
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import DataType, ParamSchema, ParamSpec

    params = ParamSchema([ParamSpec(WHAT, DataType.string, "encode")])
    with atomic_folder(path, overwrite=overwrite, objection=_objection) as folder, TemporaryDirectory() as temporary:
        model.save(own := Path(temporary, "model"))
        mlflow.pyfunc.save_model(
            str(folder),
            loader_module=__name__,
            data_path=str(own),
            signature=ModelSignature(params=params),
            pip_requirements=[f"taciturn=={__version__}"],
        )


def _objection(folder: Path) -> str | None:
    """Return why a folder may not be replaced; None if it is a model of `save_model` and nothing else."""
    files = (file.relative_to(folder) for file in folder.rglob("*") if not file.is_dir())
    foreign = sorted(str(file) for file in files if not _is_own(file))
    if foreign:
        return f"holds {listed(foreign)}, which taciturn did not write"
    file = folder / "MLmodel"
    if file.is_file() and f"loader_module: {__name__}" in file.read_text(encoding="utf-8", errors="replace"):
        return None
    return "holds no model of taciturn: its MLmodel is missing or of another program"


def _is_own(file: Path) -> bool:
    """Return whether a file, relative to the folder, has the place and the name of one that `save_model` writes."""
    if file.parts[:2] == ("data", "model"):
        return file.name in RUN_FILES | {IMPUTER_CONFIG, IMPUTER_ARRAYS}
    return str(file) in MLFLOW_FILES
