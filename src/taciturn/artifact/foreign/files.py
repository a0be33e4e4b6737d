"""The files of other libraries: JSON, safetensors and .pt files of tensors. Nothing in them is run."""

import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from ...core.errors import ArtifactError
from ...core.messages import one_line
from ...core.safetensors_errors import as_os_errors
from ...data.sources.pt import load_without_code

MAX_JSON_BYTES = 1 << 24


def read_json(file: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises
    ------
    ArtifactError
        The file is missing, too large, or does not hold a JSON object.
    """
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise ArtifactError(f"{one_line(file)} is larger than {MAX_JSON_BYTES:,} bytes; it is not a configuration")
        values = json.loads(file.read_bytes())
    except OSError as error:
        raise ArtifactError(f"{one_line(file)} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{one_line(file)} is not JSON: {one_line(str(error))}") from error
    if not isinstance(values, dict):
        raise ArtifactError(f"{one_line(file)} does not hold a JSON object; the file is damaged")
    return values


def whole(value: object) -> int | None:
    """Return a number of a configuration as an int; None if it is not a whole number, 1 or more.

    Examples
    --------
    >>> whole(5.0), whole(0.5), whole(True), whole("5")
    (5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value >= 1 and value % 1 == 0 else None


def required_k(config: Mapping[str, Any], file: Path) -> int:
    """Return the k of a configuration; raise ArtifactError if it is missing or not a whole number."""
    if (k := whole(config.get("k"))) is None:
        raise ArtifactError(f"{one_line(file)}: 'k' is missing or not a whole number; the file is damaged")
    return k


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file or of a .pt file that holds tensors by name.

    Raises
    ------
    ArtifactError
        The file is missing, damaged, or holds anything but tensors of real numbers.
    """
    try:
        tensors = _read_pt(file) if file.suffix == ".pt" else _read_safetensors(file)
    except OSError as error:
        raise ArtifactError(f"{one_line(file)} cannot be read: {error.strerror or one_line(str(error))}") from error
    for name, tensor in tensors.items():
        if tensor.is_complex() or tensor.is_quantized or tensor.layout != torch.strided:
            raise ArtifactError(f"{one_line(file)}: {one_line(repr(name))} is not a dense tensor of real numbers")
    return tensors


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    with file.open("rb"):  # for its error of a missing file
        pass
    try:
        with safetensors.safe_open(file, framework="pt") as stored:
            return {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (it is not a mapping)
    except safetensors.SafetensorError as error:
        raise ArtifactError(f"{one_line(file)} is not a safetensors file: {one_line(str(error))}") from error


def _read_pt(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a .pt file, of which no code is run and nothing larger than the file is allocated."""
    size = file.stat().st_size
    try:
        with zipfile.ZipFile(file) as archive:
            # torch does not compress; a compressed entry could be far larger than the file
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ArtifactError(f"{one_line(file)} is compressed, which torch.save never does; the file is refused")
        values = load_without_code(file)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ArtifactError(f"{one_line(file)} is not a file of torch.save (torch 1.6 or later)") from error
    except pickle.UnpicklingError as error:
        raise ArtifactError(
            f"{one_line(file)} holds more than tensors, and is refused: no code of it is run"
        ) from error
    except (
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        EOFError,
        OverflowError,
    ) as error:
        raise ArtifactError(f"{one_line(file)} is damaged: {one_line(str(error))}") from error
    if not isinstance(values, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in values.items()
    ):
        raise ArtifactError(
            f"{one_line(file)} does not hold tensors by name; save the state dict: torch.save(x.state_dict())"
        )
    for name, tensor in values.items():
        if tensor.numel() * tensor.element_size() > size:
            raise ArtifactError(f"{one_line(file)}: {one_line(repr(name))} claims more numbers than the file holds")
    return values


def write_tensors(tensors: Mapping[str, Tensor], file: Path) -> None:
    """Write tensors into a safetensors file; those that share memory, such as tied weights, are written twice."""
    with as_os_errors():
        save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, file)


def write_json(values: Mapping[str, Any], file: Path) -> None:
    """Write a configuration."""
    file.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


class Tensors:
    """A file's tensors, which are taken by name, so that a missing or an unknown one is noticed.

    Parameters
    ----------
    file : Path
        The file.

    Raises
    ------
    ArtifactError
        As of `read_tensors`.
    """

    def __init__(self, file: Path) -> None:
        self.file, self._left = file, read_tensors(file)

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str) -> Tensor:
        """Return a tensor, which no longer counts as unknown."""
        if name not in self._left:
            raise ArtifactError(f"{one_line(self.file)}: the tensor {name!r} is missing; the file is damaged")
        return self._left.pop(name)

    def matrix(self, name: str) -> Tensor:
        """Return a tensor that must have two axes."""
        tensor = self.take(name)
        if tensor.dim() != 2:
            raise ArtifactError(f"{one_line(self.file)}: {name!r} is {list(tensor.shape)}; a matrix is required")
        return tensor

    def thresholds(self, name: str) -> Tensor:
        """Return a tensor of thresholds in float32; one below 0 was not measured yet, and counts as 0."""
        return self.take(name).float().clamp_min(0)

    def skip(self, *names: str) -> None:
        """Let tensors be that a dictionary does not need."""
        for name in names:
            self._left.pop(name, None)

    def check_all_taken(self) -> None:
        """Raise ArtifactError if a tensor is left."""
        for name in self._left:
            raise ArtifactError(f"{one_line(self.file)}: the tensor {one_line(repr(name))} is unknown here")
