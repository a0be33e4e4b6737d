"""F9. A trained model as a folder: what was asked, what came of it, and the weights. No pickle, no code.

config.json         the recipe: network, objective, corruption, scaling, training, rows, versions
weights.safetensors every parameter and buffer once, by name
history.parquet     a row a step; the columns of epochs are filled at each epoch's last step
metrics.json        what the model is worth, by `evaluate`
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors.torch import load_file, save_file

from .atomic import atomic_folder
from .cards import card
from .corrupt import Corruption
from .errors import ArtifactError, RecipeError
from .model import Autoencoder, Layout
from .recipe import Recipe
from .scaling import Scaling
from .seeds import generator
from .step import plan
from .terms import Objective
from .trainer import History

FORMAT = 1
TRAINING = ("seed", "epochs", "steps", "seconds", "stopped", "weights")
ROWS = ("count", "norm", "columns", "shape", "mean", "variance", "low", "high")


@dataclass
class Artifact:
    """A model and all that is known about it; `config` holds plain values only."""

    model: Autoencoder
    config: dict[str, Any]
    history: History = field(default_factory=History)
    metrics: dict[str, Any] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """Return what it is, as HTML."""
        return card(str(self.config.get("estimator", "Autoencoder")), self.lines())

    def lines(self) -> list[tuple[str, str]]:
        """Return pairs (what, in words): network, recipe, rows and training."""
        config, layout = self.config, self.model.layout
        training, rows = config["training"], config["rows"]
        widths = " → ".join(map(str, [*layout.widths, *layout.widths[-2::-1]]))
        network = f"{widths}, {layout.coder.text} codes, {layout.output.text} output{', tied' if layout.tied else ''}"
        count = sum(parameter.numel() for parameter in self.model.parameters())
        return [
            ("network", f"{network}; {count:,} parameters"),
            ("objective", self.recipe("objective").text),
            ("corruption", self.recipe("corruption").text),
            ("scaling", config["scaling_said"]),
            ("rows", f"{rows['count']:,}" + (f" of {rows['data']}" if rows.get("data") else "")),
            ("training", f"{training['epochs']:,} epochs, {training['steps']:,} steps, {training['seconds']:.1f} s"),
            ("written by", f"taciturn {config['versions']['taciturn']}, torch {config['versions']['torch']}"),
        ]

    def recipe(self, name: str) -> Any:
        """Return a part of the config as the recipe that it describes."""
        return Recipe.from_dict(self.config[name])


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


def _tensors(model: Autoencoder) -> dict[str, Any]:
    """Return every parameter and buffer once: tied weights are one parameter."""
    named = dict(model.named_parameters()) | dict(model.named_buffers())
    return {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}


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


def _write_json(file: Path, values: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_json(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{file} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ArtifactError(f"{file} holds no object")
    return values


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
