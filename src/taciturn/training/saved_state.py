"""A copy of a step's state: in memory, or, where it is large, in temporary files."""

import weakref
from tempfile import TemporaryFile
from typing import IO

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
        self._copies: dict[str, Tensor] = {}
        self._files: dict[str, IO[bytes]] = {}
        for name, tensor in step.state_dict().items():
            large = tensor.is_cpu and tensor.is_contiguous() and tensor.nbytes >= MIN_FILE_BYTES
            if large and (file := _written(tensor)) is not None:
                self._files[name] = file
                weakref.finalize(self, file.close)
            else:
                self._copies[name] = tensor.clone()

    def restore(self, step: Step) -> None:
        """Set the step's state to the copy."""
        step.load_state_dict(self._copies, strict=not self._files)
        state = step.state_dict()
        for name, file in self._files.items():
            file.seek(0)
            file.readinto(_bytes(state[name]))  # type: ignore[attr-defined]


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
