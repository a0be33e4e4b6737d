"""An artifact to a folder, whole or not at all. No pickle."""

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
from ..model import Autoencoder
from ..training import History
from .artifact import FORMAT, Artifact


def save(artifact: Artifact, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write the folder, whole or not at all."""
    with atomic_folder(path, overwrite=overwrite) as folder:
        write(artifact, folder)


def write(artifact: Artifact, folder: Path) -> None:
    """Write the artifact's files into an existing folder."""
    config = {"format": FORMAT, "network": artifact.model.layout.to_dict()} | artifact.config
    _write_json(folder / "config.json", config)
    _write_json(folder / "metrics.json", artifact.metrics)
    try:
        save_file(_tensors(artifact.model), folder / "weights.safetensors")
    except safetensors.SafetensorError as error:
        raise OSError(str(error)) from error  # as every other writer says that the disk is full
    shutil.copymode(folder / "config.json", folder / "weights.safetensors")  # safetensors makes it the owner's alone
    _write_history(folder / "history.parquet", artifact.history)


def _tensors(model: Autoencoder) -> dict[str, Any]:
    """Return every parameter and buffer once: tied weights are one parameter."""
    named = dict(model.named_parameters()) | dict(model.named_buffers())
    return {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}


def _write_json(file: Path, values: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_history(file: Path, history: History) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    steps = {name: pa.array(column) for name, column in history.steps.items()}
    epoch_of_step = history.steps.get("epoch", np.zeros(0, int))
    last = np.flatnonzero(np.diff(epoch_of_step, append=-1))
    for name, column in history.items():
        if name != "epoch":
            at_ends: list[Any] = [None] * len(epoch_of_step)
            for at, value in zip(last, column.tolist(), strict=True):
                at_ends[at] = value
            steps[f"epoch_{name}"] = pa.array(at_ends)
    pq.write_table(pa.table(steps), file)
