"""A model in the precision of the rows."""

import copy
from weakref import WeakKeyDictionary

import numpy as np
from torch import Tensor, equal, float64

from ..model import Autoencoder

MAX_TWIN_BYTES = 1 << 28  # of all twins that are kept, 256 MB: models of 22 million parameters


class _Twin:
    """A model's copy in float64, with the numbers that it was made of.

    Whether they are still the model's is seen by comparing them, which reads each once: PyTorch's version counters miss
    what compiled steps, `.data` and NumPy write.
    """

    def __init__(self, model: Autoencoder) -> None:
        self.source = {name: tensor.detach().clone() for name, tensor in _numbers(model).items()}
        doubles = {id(t): t.detach().to(float64, copy=True) for t in _numbers(model).values() if t.is_floating_point()}
        # deepcopy takes these in place of copies, so the float32 numbers are not copied again
        parameters = {id(p): type(p)(doubles[id(p)], requires_grad=p.requires_grad) for p in model.parameters()}
        self.model: Autoencoder = copy.deepcopy(model, doubles | parameters)

    def is_of(self, model: Autoencoder) -> bool:
        """Return whether the model still has the numbers, on the same device."""
        numbers = _numbers(model)
        return numbers.keys() == self.source.keys() and all(
            tensor.device == numbers[name].device and equal(tensor, numbers[name])
            for name, tensor in self.source.items()
        )

    @property
    def n_bytes(self) -> int:
        tensors = [*self.source.values(), *_numbers(self.model).values()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


_twins: WeakKeyDictionary[Autoencoder, _Twin] = WeakKeyDictionary()


def in_row_precision(model: Autoencoder, dtype: np.dtype[np.generic]) -> Autoencoder:
    """Return a model that computes in the precision of the rows.

    Parameters
    ----------
    model : Autoencoder
        The model; it is not changed.
    dtype : dtype
        Type of the rows.

    Returns
    -------
    Autoencoder
        A twin in float64 for float64 rows, else the model itself. Do not change a twin.

    Notes
    -----
    Twins are kept as long as their models live, up to 256 MB together, so that successive calls copy nothing. A twin
    is never changed: a model with changed numbers gets a new one, and other threads may go on with the old one.
    """
    if dtype != np.float64 or model.dictionary.dtype == float64:
        return model
    twin = _twins.get(model)
    if twin is None or not twin.is_of(model):
        _twins.pop(model, None)
        twin = _Twin(model)
        kept = sum(other.n_bytes for other in list(_twins.values()))
        if kept + twin.n_bytes > MAX_TWIN_BYTES:
            _twins.clear()
        if twin.n_bytes <= MAX_TWIN_BYTES:
            _twins[model] = twin
    return twin.model


def _numbers(model: Autoencoder) -> dict[str, Tensor]:
    """Return every parameter and buffer once by name."""
    return dict(model.named_parameters()) | dict(model.named_buffers())
