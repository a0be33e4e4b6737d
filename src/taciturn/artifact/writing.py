"""Write an artifact to a folder, completely or not at all. No pickle."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from safetensors.torch import save_file
from torch import Tensor

from ..core.atomic import atomic_folder
from ..core.checksum import checksum
from ..core.errors import ArtifactError
from ..core.run_folder import objection
from ..core.safetensors_errors import as_os_errors
from ..model import Autoencoder
from .artifact import Artifact
from .config import FORMAT, Config
from .stored_history import write_history

PARTS = ("weights.safetensors", "training.safetensors", "history.parquet", "metrics.json")  # config.json has checksums
OUTLIERS = "outliers.safetensors"  # of outlier detectors only


def save(artifact: Artifact, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write an artifact to a new folder, completely or not at all.

    Parameters
    ----------
    artifact : Artifact
        The artifact.
    path : str or path
        The folder.
    overwrite : bool, default=False
        Whether to replace a run's folder. A folder that holds anything else is never replaced.

    Raises
    ------
    TaciturnError
        The folder holds other files, or exists and `overwrite` is false, or it cannot be written.
    ArtifactError
        A number of the model is not finite.
    """
    with atomic_folder(path, overwrite=overwrite, objection=objection) as folder:
        write(artifact, folder)


def write(artifact: Artifact, folder: Path) -> None:
    """Write the artifact's files into an existing folder.

    Parameters
    ----------
    artifact : Artifact
        The artifact.
    folder : Path
        An existing folder, such as one of `atomic_folder`.

    Raises
    ------
    OSError
        A file cannot be written.
    ArtifactError
        A number of the model is not finite.
    """
    _write_tensors(folder / "weights.safetensors", _tensors(artifact.model))
    _write_tensors(folder / "training.safetensors", artifact.state)
    write_history(artifact.history, folder / "history.parquet")
    _write_json(folder / "metrics.json", artifact.metrics)
    names: tuple[str, ...] = PARTS
    if artifact.outliers:
        _write_tensors(folder / OUTLIERS, artifact.outliers)
        names += (OUTLIERS,)
    config = Config(
        format=FORMAT,
        estimator=artifact.estimator,
        settings=artifact.settings.to_dict(),
        training=artifact.training,
        rows=artifact.rows,
        versions=artifact.versions,
        machine=artifact.machine,
        files={name: checksum(folder / name) for name in names},
    )
    _write_json(folder / "config.json", msgspec.to_builtins(config))
    for name in (
        name for name in names if name.endswith(".safetensors")
    ):  # safetensors lets only the owner read its files; give them the usual mode
        shutil.copymode(folder / "config.json", folder / name)


def _tensors(model: Autoencoder) -> dict[str, Tensor]:
    """Return every parameter and buffer once by name: tied weights are one parameter."""
    return dict(model.named_parameters()) | dict(model.named_buffers())


def _write_tensors(file: Path, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise ArtifactError(f"{name!r} of the model is not finite; train again with a lower learning_rate")
    with as_os_errors():
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, file)


def _write_json(file: Path, values: Mapping[str, Any]) -> None:
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")
