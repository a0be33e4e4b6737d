"""A copy of a step's state: in memory, or, where it is large, in temporary files."""

import weakref
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import IO, Self

import torch
from torch import Tensor

from .step import Step

MIN_FILE_BYTES = 1 << 25  # smaller tensors are copied in memory, as are those on a GPU


class SavedState:
    """A copy of a step's state, which `restore` sets again.

    Training by Adam holds four times the weights: these, their gradients and two running means; a copy in memory would
    be a fifth. So large tensors on the CPU are written into unnamed files in the folder for temporary files (TMPDIR).
    Where these have no room, they are copied in memory.

    Parameters
    ----------
    step : Step
        The step.

    Examples
    --------
    >>> from taciturn.model import Autoencoder, Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> from taciturn.objective import Objective, SquaredError
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> step = Step(model, Objective((SquaredError(),)))
    >>> saved, before = SavedState(step), model.dictionary.detach().clone()
    >>> _ = model.dictionary.data.zero_()
    >>> saved.restore(step)
    >>> torch.equal(model.dictionary, before)
    True
    """

    def __init__(self, step: Step) -> None:
        self._keep(step.state_dict())

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Self:
        """Return a copy of what `tensors` returned of another one."""
        saved = cls.__new__(cls)
        saved._keep(tensors)
        return saved

    def tensors(self) -> dict[str, Tensor]:
        """Return the copy's tensors by name."""
        read = {name: torch.empty_like(meta, device="cpu") for name, (_, meta) in self._files.items()}
        for name, tensor in read.items():
            self._read(name, tensor)
        return self._copies | read

    def _keep(self, tensors: Mapping[str, Tensor]) -> None:
        self._copies: dict[str, Tensor] = {}
        self._files: dict[str, tuple[IO[bytes], Tensor]] = {}  # each with a tensor of its shape, without numbers
        for name, tensor in tensors.items():
            large = tensor.is_cpu and tensor.is_contiguous() and tensor.nbytes >= MIN_FILE_BYTES
            if large and (file := _written(tensor)) is not None:
                self._files[name] = file, torch.empty_like(tensor, device="meta")
                weakref.finalize(self, file.close)
            else:
                self._copies[name] = tensor.clone()

    def restore(self, step: Step) -> None:
        """Set the step's state to the copy."""
        step.load_state_dict(self._copies, strict=not self._files)
        state = step.state_dict()
        for name in self._files:
            self._read(name, state[name])

    def _read(self, name: str, tensor: Tensor) -> None:
        file, _ = self._files[name]
        file.seek(0)
        file.readinto(_bytes(tensor))  # type: ignore[attr-defined]


def starting_with(room: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names start with `room` and a point, without that."""
    return {name.removeprefix(f"{room}."): t for name, t in tensors.items() if name.startswith(f"{room}.")}


def _written(tensor: Tensor) -> IO[bytes] | None:
    """Return a file with a tensor's bytes; None if there is no room for it."""
    try:
        file = TemporaryFile(buffering=0)  # noqa: SIM115 (it is kept)
        return file if file.write(_bytes(tensor)) == tensor.nbytes else None
    except OSError:
        return None


def _bytes(tensor: Tensor) -> memoryview:
    """Return a contiguous tensor's memory."""
    return tensor.detach().view(-1).view(torch.uint8).numpy().data
