"""Write an artifact to a folder, completely or not at all. No pickle."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors.torch import save_file

from ..core.atomic import atomic_folder
from ..core.run_folder import objection
from ..model import Autoencoder
from ..training import History
from .artifact import FORMAT, Artifact


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
    """
    with atomic_folder(path, overwrite=overwrite, objection=objection) as folder:
        write(artifact, folder)


def write(artifact: Artifact, folder: Path) -> None:
    """Write the artifact's four files into an existing folder.

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
    """
    config = {"format": FORMAT, "network": artifact.model.layout.to_dict()} | artifact.config
    _write_json(folder / "config.json", config)
    _write_json(folder / "metrics.json", artifact.metrics)
    try:
        save_file(_tensors(artifact.model), folder / "weights.safetensors")
    except safetensors.SafetensorError as error:
        raise OSError(str(error)) from error  # the other writers raise OSError when the disk is full
    # safetensors lets only the owner read its file; give it the usual mode
    shutil.copymode(folder / "config.json", folder / "weights.safetensors")
    _write_history(folder / "history.parquet", artifact.history)


def _tensors(model: Autoencoder) -> dict[str, Any]:
    """Return every parameter and buffer once by name: tied weights are one parameter."""
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _write_json(file: Path, values: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_history(file: Path, history: History) -> None:
    """Write the steps' columns, and the epochs' as `epoch_…`, filled at each epoch's last step."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: pa.array(column) for name, column in history.steps.items()}
    epoch_of_step = history.steps.get("epoch", np.zeros(0, int))
    last_steps = np.flatnonzero(np.diff(epoch_of_step, append=-1))
    for name, column in history.items():
        if name != "epoch":
            by_step: list[Any] = [None] * len(epoch_of_step)
            for step, value in zip(last_steps, column.tolist(), strict=True):
                by_step[step] = value
            columns[f"epoch_{name}"] = pa.array(by_step)
    pq.write_table(pa.table(columns), file)
