"""A folder to an artifact. Runs no code from it."""

import json
import os
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load_file

from ..core.errors import ArtifactError, RecipeError
from ..core.recipe import Recipe
from ..core.seeds import generator
from ..corruption import Corruption
from ..model import Autoencoder, Layout, Scaling
from ..objective import Objective
from ..training import History
from ..training.step import plan
from .artifact import FORMAT, Artifact

TRAINING = ("seed", "epochs", "steps", "seconds", "stopped", "weights")
ROWS = ("count", "norm", "columns", "shape", "mean", "variance", "low", "high")


def load(path: str | os.PathLike[str]) -> Artifact:
    """Return the artifact of a folder, or raise ArtifactError saying what is wrong with which file."""
    folder = Path(path)
    if not folder.is_dir():
        raise ArtifactError(f"{path} is no folder; name the folder of a run")
    config = _read_json(folder / "config.json")
    if not isinstance(config.get("format"), int) or config["format"] > FORMAT:
        raise ArtifactError(
            f"{folder / 'config.json'} has format {config.get('format')!r}, this version reads up to {FORMAT}; "
            "upgrade taciturn"
        )
    layout = _checked(config, folder / "config.json")
    model = Autoencoder(layout, rng=generator(0, "init"), kernels=plan.kernels(layout))
    _fill(model, folder / "weights.safetensors")
    return Artifact(model, config, _read_history(folder / "history.parquet"), _read_json(folder / "metrics.json"))


def _checked(config: dict[str, Any], file: Path) -> Layout:
    """Return the network of a config in which everything stands that others rely on."""
    for name in ("network", "objective", "corruption", "scaling", "training", "rows", "parameters", "versions"):
        if not isinstance(config.get(name), dict):
            raise ArtifactError(f"{file}: {name!r} is missing or no object; the file is damaged")
    for section, keys in (("training", TRAINING), ("rows", ROWS)):
        if missing := [key for key in keys if key not in config[section]]:
            raise ArtifactError(f"{file}: {section} lacks {missing[0]!r}; the file is damaged")
    parts: dict[str, Any] = {}
    for name, family in (
        ("network", Layout),
        ("objective", Objective),
        ("corruption", Corruption),
        ("scaling", Scaling),
    ):
        try:
            parts[name] = Recipe.from_dict(config[name])
        except (RecipeError, TypeError) as error:
            raise ArtifactError(f"{file}: {error}") from error
        if not isinstance(parts[name], family):
            raise ArtifactError(f"{file}: {name} is a {type(parts[name]).__name__}, not a {family.__name__}")
    layout: Layout = parts["network"]
    return layout


def _fill(model: Autoencoder, file: Path) -> None:
    try:
        given = load_file(file)
    except (OSError, safetensors.SafetensorError) as error:
        raise ArtifactError(f"{file} cannot be read: {error}") from error
    wanted = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, tensor in wanted.items():
        if name not in given:
            raise ArtifactError(f"{file}: the tensor {name!r} is missing; the file is not of this config.json")
        if given[name].shape != tensor.shape:
            raise ArtifactError(
                f"{file}: {name!r} is {list(given[name].shape)}, but config.json asks for {list(tensor.shape)}"
            )
        tensor.data.copy_(given[name])
    if unknown := sorted(given.keys() - wanted.keys()):
        raise ArtifactError(f"{file}: {unknown[0]!r} is no tensor of this network; the file is not of this config.json")


def _read_json(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{file} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ArtifactError(f"{file} holds no object")
    return values


def _read_history(file: Path) -> History:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{file} cannot be read: {error}") from error
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    steps = {name: values for name, values in columns.items() if not name.startswith("epoch_")}
    epochs = {
        name.removeprefix("epoch_"): [v for v in values if v is not None]
        for name, values in columns.items()
        if name.startswith("epoch_")
    }
    if steps.get("epoch"):
        epochs = {"epoch": sorted(set(steps["epoch"])), **epochs}
    return History(steps, epochs)
