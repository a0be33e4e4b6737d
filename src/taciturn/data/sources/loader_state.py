"""The state of a loader as bytes without pickle: what `state_dict` of torchdata's StatefulDataLoader returns."""

from typing import Any

import msgspec
import numpy as np

from ...core.errors import RecipeError

_KIND, _ARRAY, _TENSOR, _TUPLE, _INT = "__kind__", "array", "tensor", "tuple", "int"


def pack(state: Any) -> bytes:
    """Return a state as bytes; `unpack` is the inverse.

    Parameters
    ----------
    state : object
        None, numbers, texts, bytes, arrays and tensors, and lists, tuples and dicts of such.

    Raises
    ------
    RecipeError
        It holds another object.

    Examples
    --------
    >>> unpack(pack({"step": 3, "order": np.array([2, 0]), "random": (2**70, [])}))
    {'step': 3, 'order': array([2, 0]), 'random': (1180591620717411303424, [])}
    """
    return msgspec.msgpack.encode(_plain(state))


def unpack(data: bytes) -> Any:
    """Return the state that `pack` wrote."""
    return _restored(msgspec.msgpack.decode(data))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, tuple):
        return {_KIND: _TUPLE, "values": [_plain(each) for each in value]}
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return {_KIND: _INT, "digits": str(value)}
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    is_tensor = hasattr(value, "detach")
    array = value.detach().cpu().numpy() if is_tensor else value
    if isinstance(array, np.ndarray) and array.dtype.kind in "biuf":
        kind = _TENSOR if is_tensor else _ARRAY
        return {_KIND: kind, "dtype": array.dtype.str, "shape": list(array.shape), "bytes": array.tobytes()}
    raise RecipeError(
        f"the loader's state_dict() holds a {type(value).__name__}, which no checkpoint can hold; give numbers, texts, "
        "arrays and tensors, or leave out checkpoint="
    )


def _restored(value: Any) -> Any:
    if isinstance(value, list):
        return [_restored(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_KIND)
    if kind == _TUPLE:
        return tuple(_restored(each) for each in value["values"])
    if kind == _INT:
        return int(value["digits"])
    if kind in (_ARRAY, _TENSOR):
        array = np.frombuffer(value["bytes"], np.dtype(value["dtype"])).reshape(value["shape"]).copy()
        if kind == _ARRAY:
            return array
        import torch

        return torch.from_numpy(array)
    return {key: _restored(each) for key, each in value.items()}
