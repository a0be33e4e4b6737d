"""Estimators in files of skops: their state is the files of their folder, so that few types have to be trusted."""

from __future__ import annotations

import copyreg
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..core.errors import ArtifactError
from ..core.messages import one_line

SKOPS_TRUSTED = [
    "taciturn.estimators.denoising.DenoisingAutoencoder",
    "taciturn.estimators.dictionary.DictionaryAutoencoder",
    "taciturn.estimators.images.ImageDenoiser",
    "taciturn.estimators.imputer.DenoisingImputer",
    "taciturn.estimators.outliers.AutoencoderOutlierDetector",
    "taciturn.estimators.signals.SignalDenoiser",
    "taciturn.estimators.sparse.SparseAutoencoder",
]  # for skops.io.load(file, trusted=SKOPS_TRUSTED)
FILES = "files of taciturn"  # key of such a state
OUTPUT = "_sklearn_output_config"  # what `set_output` has set
NAME = re.compile(r"(network-\d+/)?[a-z]+\.(json|parquet|safetensors)")  # of a file, as `save` writes it


class PlainState:
    """The state of an estimator in plain arrays, for skops.

    skops writes what `__getstate__` returns, and every type in it must be trusted. Of a fitted estimator it is the
    files that `save` writes, as arrays of bytes. pickle and copy call `__reduce_ex__`, and keep the attributes.
    """

    def __getstate__(self) -> dict[str, Any]:
        estimator: Any = self
        if not estimator.__sklearn_is_fitted__():
            return dict(vars(self))
        with tempfile.TemporaryDirectory() as temporary:
            estimator.save(folder := Path(temporary, "model"))
            files = {
                file.relative_to(folder).as_posix(): np.frombuffer(file.read_bytes(), np.uint8)
                for file in sorted(folder.rglob("*"))
                if file.is_file()
            }
        return {FILES: files} | {name: value for name, value in vars(self).items() if name == OUTPUT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if FILES not in state:
            self.__dict__.update(state)
            return
        with tempfile.TemporaryDirectory() as temporary:
            _write(state[FILES], Path(temporary))
            loaded = type(self).load(temporary)  # type: ignore[attr-defined]
        self.__dict__.update(vars(loaded), **{name: value for name, value in state.items() if name == OUTPUT})

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, tuple[type[Self]], dict[str, Any]]:
        return copyreg.__newobj__, (type(self),), dict(vars(self))  # type: ignore[attr-defined]


def _write(files: Any, folder: Path) -> None:
    """Write files into a folder; raise ArtifactError unless they have names and a type that `__getstate__` writes."""
    for name, content in files.items():
        if not (isinstance(name, str) and NAME.fullmatch(name)):
            raise ArtifactError(f"{one_line(repr(name))} is not a file of taciturn's; the state is damaged")
        if not isinstance(content, np.ndarray) or content.dtype != np.uint8:
            raise ArtifactError(f"{name} is not an array of bytes; the state is damaged")
        os.makedirs((folder / name).parent, exist_ok=True)
        (folder / name).write_bytes(content.tobytes())
