"""Read an artifact from a folder: every file is checked before it is used. Runs no code from it."""

import math
import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import safetensors
import torch
from torch import Tensor

from ..core.checksum import checksum
from ..core.errors import ArtifactError, RecipeError
from ..core.messages import one_line
from ..core.run_folder import is_model, is_unfinished, unfinished
from ..model import Autoencoder, Layout, create
from ..training import Settings
from ..training.step import plan
from .artifact import Artifact
from .config import Config, decode
from .foreign import format_of
from .hub import local_folder
from .stored_history import read_history
from .writing import OUTLIERS, PARTS

MAX_JSON_BYTES = 1 << 28
ATTEMPTS = 5  # of reading a folder that another process replaces meanwhile
# The types that a tensor of a type may have in a file: those whose numbers it holds exactly.
LOSSLESS = {
    torch.float32: {"F32", "F16", "BF16"},
    torch.float64: {"F64", "F32", "F16", "BF16"},
    torch.int64: {"I64"},
    torch.bool: {"BOOL"},
}


def load(path: str | os.PathLike[str]) -> Artifact:
    """Return the artifact of a folder.

    Parameters
    ----------
    path : str or path
        A folder that `save` wrote, or its address on the Hub; see `local_folder`. Another process may replace a folder
        meanwhile: the artifact is the old or the new one.

    Returns
    -------
    Artifact

    Raises
    ------
    ArtifactError
        A file is missing, damaged, of another format, or does not fit the others; the message names the file.
    """
    folder = Path(local_folder(path))
    if not is_model(folder) and (name := format_of(folder)) is not None:
        raise ArtifactError(
            f"{one_line(folder)} is a dictionary of {name}; convert it first: taciturn convert SRC DST --to taciturn"
        )
    for _ in range(ATTEMPTS - 1):
        before = _config_text(folder)
        try:
            return _load(folder, before)
        except ArtifactError:
            if _config_text(folder) == before:
                raise
    return _load(folder, _config_text(folder))


def _load(folder: Path, config_text: bytes) -> Artifact:
    config = decode(config_text, folder / "config.json")
    has_outliers = OUTLIERS in config.files
    for name in (*PARTS, OUTLIERS) if has_outliers else PARTS:
        _check_part(folder / name, config.files.get(name))
    settings = _settings(config, folder / "config.json")
    model = _read_weights(settings, folder / "weights.safetensors")
    return Artifact(
        model=model,
        settings=settings,
        estimator=config.estimator,
        training=config.training,
        rows=config.rows,
        versions=config.versions,
        machine=config.machine,
        state=_read_tensors(folder / "training.safetensors"),
        history=read_history(folder / "history.parquet"),
        outliers=_read_tensors(folder / OUTLIERS) if has_outliers else {},
        metrics=_read_metrics(folder / "metrics.json"),
    )


def _config_text(folder: Path) -> bytes:
    """Return what the folder's config.json holds."""
    try:
        if not os.path.isdir(folder):
            raise ArtifactError(f"{one_line(folder)} is not a folder; name the folder of a run")
        if is_unfinished(folder):
            raise ArtifactError(unfinished(folder))
        return _read(folder / "config.json")
    except (OSError, ValueError) as error:  # a name that is too long, or holds a null character
        if isinstance(error, ArtifactError):
            raise
        reason = error.strerror if isinstance(error, OSError) else error
        raise ArtifactError(f"{one_line(folder)} cannot be read: {reason}; name the folder of a run") from error


def _read(file: Path) -> bytes:
    """Return what a regular file of bounded size holds; a device or a pipe is not opened."""
    _check_regular(file)
    if (size := file.stat().st_size) > MAX_JSON_BYTES:
        raise ArtifactError(f"{file} has {size:,} bytes, of at most {MAX_JSON_BYTES:,}; the file is damaged")
    return file.read_bytes()


def _check_regular(file: Path) -> None:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise ArtifactError(f"{one_line(file)} cannot be read: {error.strerror}; name the folder of a run") from error
    if not stat.S_ISREG(mode):
        raise ArtifactError(f"{one_line(file)} is not a regular file; name the folder of a run")


def _check_part(file: Path, expected: str | None) -> None:
    """Raise ArtifactError unless a file has the checksum that config.json has for it."""
    _check_regular(file)
    try:
        if checksum(file) == expected:
            return
    except OSError as error:
        raise ArtifactError(f"{file} cannot be read: {error.strerror}") from error
    raise ArtifactError(f"{file} is not the file that config.json describes; it was changed or is damaged")


def _settings(config: Config, file: Path) -> Settings:
    """Return the settings of a config, after the checks of what its sections say of each other."""
    try:
        settings = Settings.from_dict(config.settings)
    except (RecipeError, TypeError, RecursionError) as error:
        raise ArtifactError(f"{file}: settings: {one_line(str(error))}; the file is damaged") from error
    width, rows = settings.layout.widths[0], config.rows
    if math.prod(rows.shape) != width or (rows.columns is not None and len(rows.columns) != width):
        raise ArtifactError(f"{file}: rows do not describe the network's {width} inputs; the file is damaged")
    return settings


def _read_weights(settings: Settings, file: Path) -> Autoencoder:
    """Return the network with its weights; nothing larger than the file is allocated before the shapes agree."""
    layout = settings.layout
    with _opened(file) as stored:
        names = set(stored.keys())
        required = _shapes(layout, file)
        if different := sorted(names ^ required.keys()):
            is_missing = different[0] in required
            problem = "is missing" if is_missing else "is not a tensor of this network"
            raise ArtifactError(
                f"{file}: {one_line(repr(different[0]))} {problem}; the file is not of this config.json"
            )
        for name, tensor in required.items():
            part = stored.get_slice(name)
            if part.get_shape() != list(tensor.shape):
                raise ArtifactError(
                    f"{file}: {name!r} is {part.get_shape()}, but config.json requires {list(tensor.shape)}"
                )
            if part.get_dtype() not in LOSSLESS.get(tensor.dtype, ()):
                raise ArtifactError(f"{file}: {name!r} has type {part.get_dtype()}, which is not that of this network")
        model = create(layout, rng=None, kernels=plan.kernels(layout, settings.precision))
        for name, tensor in _tensors(model).items():
            tensor.data.copy_(_finite(stored.get_tensor(name), name, file))
    for name in ("scale", "target_scale", "unit"):
        if not bool((model.get_buffer(name) > 0).all()):
            raise ArtifactError(f"{file}: {name!r} must be greater than 0; the file is damaged")
    for name in ("knots", "scores", "target_knots", "target_scores") if layout.quantiles else ():
        if not bool((model.get_buffer(name).diff() > 0).all()):
            raise ArtifactError(f"{file}: {name!r} must ascend along each row; the file is damaged")
    if model.row_lengths is not None and not bool((model.row_lengths[:3] > 0).all()):
        raise ArtifactError(f"{file}: 'row_lengths' must be greater than 0; the file is damaged")
    form = layout.coder.form(model.coder, layout.widths[-1])
    for name, tensor in () if form is None else form.named_buffers():
        _finite(tensor, f"the coding layer's {name}", file)  # a finite logarithm of a scale may be that of infinity
    return model


def _shapes(layout: Layout, file: Path) -> dict[str, Tensor]:
    """Return a network's tensors by name, without memory."""
    try:
        with torch.device("meta"):
            return _tensors(create(layout, rng=None))
    except (RuntimeError, OverflowError) as error:  # widths whose product is no number of torch
        raise ArtifactError(f"{file}: config.json describes a network of impossible size") from error


def _tensors(model: Autoencoder) -> dict[str, Tensor]:
    return dict(model.named_parameters()) | dict(model.named_buffers())


def _read_tensors(file: Path) -> dict[str, Tensor]:
    with _opened(file) as stored:
        names = stored.keys()
        return {name: _finite(stored.get_tensor(name), name, file) for name in names}


def _opened(file: Path) -> Any:
    """Return an opened safetensors file, for `with`."""
    try:
        return safetensors.safe_open(file, framework="pt")
    except (OSError, safetensors.SafetensorError) as error:
        raise ArtifactError(f"{file} cannot be read: {one_line(str(error))}") from error


def _finite(tensor: Tensor, name: str, file: Path) -> Tensor:
    if not bool(tensor.isfinite().all()):
        raise ArtifactError(f"{file}: {name!r} holds numbers that are not finite; the file is damaged")
    return tensor


def _read_metrics(file: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_read(file), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ArtifactError(f"{file}: {one_line(str(error))}; the file is damaged") from error
