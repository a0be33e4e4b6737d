"""Read an artifact from a folder. Runs no code from it."""

import json
import os
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load_file

from ..core.errors import ArtifactError, RecipeError
from ..core.messages import one_line
from ..core.recipe import Recipe
from ..core.seeds import generator
from ..corruption import Corruption
from ..model import Autoencoder, Layout, Scaling
from ..objective import Objective
from ..training import History
from ..training.step import plan
from .artifact import FORMAT, Artifact

TRAINING_KEYS = ("seed", "epochs", "steps", "seconds", "stopped", "weights")
ROWS_KEYS = ("count", "norm", "columns", "shape", "mean", "variance", "low", "high")


def load(path: str | os.PathLike[str]) -> Artifact:
    """Return the artifact of a folder.

    Parameters
    ----------
    path : str or path
        A folder that `save` wrote.

    Returns
    -------
    Artifact

    Raises
    ------
    ArtifactError
        A file is missing, damaged, of a newer format, or does not fit the others; the message names the file.
    """
    folder = Path(path)
    if not os.path.isdir(path):  # false for a name that no system takes, for which Path.is_dir raises
        raise ArtifactError(f"{one_line(path)} is not a folder; name the folder of a run")
    config = _read_json(folder / "config.json")
    if not isinstance(config.get("format"), int) or config["format"] > FORMAT:
        raise ArtifactError(
            f"{folder / 'config.json'} has format {config.get('format')!r}, this version reads up to {FORMAT}; "
            "upgrade taciturn"
        )
    layout = _checked_layout(config, folder / "config.json")
    model = Autoencoder(layout, rng=generator(0, "init"), kernels=plan.kernels(layout))
    _load_weights(model, folder / "weights.safetensors")
    return Artifact(model, config, _read_history(folder / "history.parquet"), _read_json(folder / "metrics.json"))


def _checked_layout(config: dict[str, Any], file: Path) -> Layout:
    """Return the network of a config; raise ArtifactError unless the config has every key that is read later."""
    for name in ("network", "objective", "corruption", "scaling", "training", "rows", "parameters", "versions"):
        if not isinstance(config.get(name), dict):
            raise ArtifactError(f"{file}: {name!r} is missing or not an object; the file is damaged")
    for section, keys in (("training", TRAINING_KEYS), ("rows", ROWS_KEYS)):
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


def _load_weights(model: Autoencoder, file: Path) -> None:
    try:
        stored = load_file(file)
    except (OSError, safetensors.SafetensorError) as error:
        raise ArtifactError(f"{file} cannot be read: {error}") from error
    required = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, tensor in required.items():
        if name not in stored:
            raise ArtifactError(f"{file}: the tensor {name!r} is missing; the file is not of this config.json")
        if stored[name].shape != tensor.shape:
            raise ArtifactError(
                f"{file}: {name!r} is {list(stored[name].shape)}, but config.json requires {list(tensor.shape)}"
            )
        tensor.data.copy_(stored[name])
    if unknown := sorted(stored.keys() - required.keys()):
        raise ArtifactError(
            f"{file}: {unknown[0]!r} is not a tensor of this network; the file is not of this config.json"
        )


def _read_json(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{file} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ArtifactError(f"{file} does not hold an object; the file is damaged")
    return values


def _read_history(file: Path) -> History:
    """Return the history; an epoch's numbers stand in the row of its last step, so other rows hold None."""
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
