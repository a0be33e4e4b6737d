"""An imputer as a folder, without pickle: imputer.json, imputer.safetensors, and a run's folder for each network."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import safetensors
from msgspec import Meta
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from ... import artifact
from ...core.atomic import atomic_folder
from ...core.checksum import checksum
from ...core.errors import ArtifactError
from ...core.messages import listed, one_line
from ...core.run_folder import IMPUTER_ARRAYS as ARRAYS
from ...core.run_folder import IMPUTER_CONFIG as CONFIG
from ...core.run_folder import IMPUTER_NETWORK as NETWORK
from ...core.run_folder import objection as run_objection
from ...core.safetensors_errors import as_os_errors
from ...data.variables import Variables
from ..denoising import DenoisingAutoencoder
from .corrected import Corrected
from .draws import LEVELS, Draws
from .ensemble import Ensemble
from .factor_model import FactorModel

Array = NDArray[Any]

FORMAT: Literal[1] = 1


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of imputer.json.

    Parameters
    ----------
    format : int
        The version of the folder's format.
    estimator : str
        The name of the estimator's class.
    parameters : dict
        Its parameters, as they were given.
    columns : list of str or None
        The columns' names; None if they have none.
    variables : Variables or None
        The columns of a table and their kinds; None if the rows were no table.
    seed : int
        The seed of every draw.
    networks : int
        The number of networks; network k is in the folder network-k.
    checksum : str
        The BLAKE2b checksum of imputer.safetensors.
    """

    format: Literal[1]
    estimator: str
    parameters: dict[str, Any]
    columns: list[str] | None
    variables: Variables | None
    seed: Annotated[int, Meta(ge=0)]
    networks: Annotated[int, Meta(ge=2, le=10_000)]
    checksum: str


def is_imputer(path: str | os.PathLike[str]) -> bool:
    """Return whether a folder holds an imputer."""
    return os.path.isfile(os.path.join(path, CONFIG))


def save(
    ensemble: Ensemble, own: dict[str, Array], config: dict[str, Any], path: str | os.PathLike[str], overwrite: bool
) -> None:
    """Write an imputer to a folder, completely or not at all.

    Parameters
    ----------
    ensemble : Ensemble
        The fitted models.
    own : dict of str to ndarray
        "mean" and "scale" of the columns, and "rows", the checksums of the training rows.
    config : dict
        The fields of `Config` that only the estimator knows.
    path : str or path-like
        The folder.
    overwrite : bool
        Whether to replace an imputer's folder.

    Raises
    ------
    TaciturnError
        The folder exists and `overwrite` is false, or it holds other files, or it cannot be written.
    """
    arrays = own | {"belief": ensemble.belief, "quantiles": ensemble.draws.quantiles}
    arrays |= _named("linear", ensemble.draws.linear)
    for k, member in enumerate(ensemble.members):
        arrays |= _named(f"linear-{k}", member.linear)
    with atomic_folder(path, overwrite=overwrite, objection=_objection) as folder:
        for k, member in enumerate(ensemble.members):
            (folder / f"{NETWORK}{k}").mkdir()
            artifact.write(member.network.to_artifact(), folder / f"{NETWORK}{k}")
        with as_os_errors():
            save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / ARRAYS)
        record = Config(format=FORMAT, networks=len(ensemble.members), checksum=checksum(folder / ARRAYS), **config)
        (folder / CONFIG).write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
        (folder / ARRAYS).chmod((folder / CONFIG).stat().st_mode)  # safetensors lets only the owner read its files


def load(path: str | os.PathLike[str]) -> tuple[Ensemble, dict[str, Array], Config]:
    """Return the models, the arrays of the estimator itself and the config that `save` wrote.

    Raises
    ------
    ArtifactError
        A file is missing, damaged, of another format, or does not fit the others; the message names the file.
    """
    folder = Path(path)
    try:
        config = msgspec.json.decode((folder / CONFIG).read_bytes(), type=Config)
        if checksum(folder / ARRAYS) != config.checksum:
            raise ArtifactError(f"{folder / ARRAYS} is not the file that {CONFIG} describes; it was changed or damaged")
        arrays = load_file(folder / ARRAYS)
        _check(arrays, config, folder / ARRAYS)
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise ArtifactError(f"{one_line(folder)} cannot be read: {reason}; name the folder of an imputer") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, safetensors.SafetensorError) as error:
        raise ArtifactError(f"{folder}: {one_line(str(error))}; a file is damaged") from error
    networks = [DenoisingAutoencoder.load(folder / f"{NETWORK}{k}") for k in range(config.networks)]
    width = len(arrays["mean"])
    if any(network.n_features_in_ != width for network in networks):
        raise ArtifactError(f"{folder}: a network does not have {width} inputs; the folder is damaged")
    members = tuple(Corrected(_model(arrays, f"linear-{k}"), network) for k, network in enumerate(networks))
    draws = Draws(_model(arrays, "linear"), arrays["quantiles"])
    own = {name: arrays[name] for name in ("mean", "scale", "rows")}
    return Ensemble(members, arrays["belief"], draws), own, config


def _named(prefix: str, model: FactorModel) -> dict[str, Array]:
    return {f"{prefix}.{field.name}": getattr(model, field.name) for field in fields(model)}


def _model(arrays: dict[str, Array], prefix: str) -> FactorModel:
    return FactorModel(**{field.name: arrays[f"{prefix}.{field.name}"] for field in fields(FactorModel)})


def _check(arrays: dict[str, Array], config: Config, file: Path) -> None:
    """Raise ArtifactError unless all arrays are there, finite, and of one width."""
    models = ["linear", *(f"linear-{k}" for k in range(config.networks))]
    required = {"mean", "scale", "rows", "belief", "quantiles"}
    required |= {f"{model}.{field.name}" for model in models for field in fields(FactorModel)}
    if different := sorted(required ^ arrays.keys()):
        raise ArtifactError(f"{file}: {one_line(repr(different[0]))} is missing or unknown; the file is damaged")
    if arrays["rows"].dtype != np.uint64 or arrays["rows"].ndim != 1:
        raise ArtifactError(f"{file}: 'rows' does not hold checksums; the file is damaged")
    width = arrays["mean"].size
    for name, array in arrays.items():
        if name == "rows":
            continue
        n_dims = 2 if name == "quantiles" or name.endswith(".loadings") else 1
        if array.dtype != np.float64 or array.ndim != n_dims or len(array) != width or not np.isfinite(array).all():
            raise ArtifactError(f"{file}: {name!r} is not finite, or not of {width} columns; the file is damaged")
    if arrays["quantiles"].shape[1] != LEVELS:
        raise ArtifactError(f"{file}: 'quantiles' must have {LEVELS} levels; the file is damaged")
    positive = [arrays["scale"], *(arrays[f"{model}.noise"] for model in models)]
    if any((array <= 0).any() for array in positive):
        raise ArtifactError(f"{file}: a scale or a variance is not greater than 0; the file is damaged")


def _objection(folder: Path) -> str | None:
    """Return why a folder must not be replaced; None if it holds an imputer and nothing else."""
    foreign = [
        entry.name
        for entry in sorted(folder.iterdir())
        if not (
            (entry.name in (CONFIG, ARRAYS) and entry.is_file())
            or (entry.name.startswith(NETWORK) and entry.is_dir() and run_objection(entry) is None)
        )
    ]
    if foreign:
        return f"holds {listed(foreign)}, which taciturn did not write"
    return None if is_imputer(folder) else f"holds no imputer: {CONFIG} is missing"
