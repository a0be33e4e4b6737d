"""Write an artifact to a folder, completely or not at all. No pickle."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from torch import Tensor

from ..core.atomic import atomic_folder, check_folder
from ..core.checksum import checksum
from ..core.errors import ArtifactError, TaciturnError
from ..core.messages import one_line
from ..core.run_folder import objection
from ..core.tensor_file import save_tensors
from ..core.world import Axis
from ..model import Autoencoder
from ..training.step import COUNTERS
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
    latents = artifact.model.latents
    if latents.size > 1:
        _check_together(latents, path, overwrite)
    if latents.rank:
        write(artifact, None)
        return
    with atomic_folder(path, overwrite=overwrite, objection=objection) as folder:
        write(artifact, folder)


def write(artifact: Artifact, folder: Path | None) -> None:
    """Write the artifact's files into an existing folder.

    Parameters
    ----------
    artifact : Artifact
        The artifact. If its latents are distributed over processes, all of these call this.
    folder : Path or None
        An existing folder, such as one of `atomic_folder`. None on all of these processes but the first, to which they
        send their latents.

    Raises
    ------
    OSError
        A file cannot be written.
    ArtifactError
        A number of the model is not finite.
    """
    for name, tensors in (("weights", _tensors(artifact.model)), ("training", artifact.state)):
        _write_tensors(folder and folder / f"{name}.safetensors", tensors, artifact.model)
    if folder is None:
        return
    write_history(artifact.history, folder / "history.parquet")
    _write_json(folder / "metrics.json", artifact.metrics)
    names: tuple[str, ...] = PARTS
    if artifact.outliers:
        _write_tensors(folder / OUTLIERS, artifact.outliers, artifact.model)
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
    for name in names:
        if name.endswith(".safetensors"):  # only the owner may read those of safetensors; give them the usual mode
            shutil.copymode(folder / "config.json", folder / name)


def _check_together(latents: Axis, path: str | os.PathLike[str], overwrite: bool) -> None:
    """Raise TaciturnError, on all processes, unless the first can write the folder."""
    fault = None
    if latents.rank == 0:
        try:
            check_folder(path, overwrite=overwrite, objection=objection)
        except TaciturnError as error:
            fault = error
    if latents.any(fault is not None):
        raise fault or TaciturnError(f"process 0 cannot write {one_line(path)}; it tells why")


def _tensors(model: Autoencoder) -> dict[str, Tensor]:
    """Return every parameter and buffer once by name: tied weights are one parameter."""
    return dict(model.named_parameters()) | dict(model.named_buffers())


def _write_tensors(file: Path | None, tensors: Mapping[str, Tensor], model: Autoencoder) -> None:
    for name, tensor in tensors.items():
        if model.latents.any(not bool(tensor.isfinite().all())):
            raise ArtifactError(f"{name!r} of the model is not finite; train again with a lower learning_rate")
    parts = model.names_of_parts()
    save_tensors(tensors, file, model.latents, {*parts, *COUNTERS} if parts else ())


def _write_json(file: Path, values: Mapping[str, Any]) -> None:
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")
