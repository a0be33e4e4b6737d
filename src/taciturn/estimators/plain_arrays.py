"""An estimator of a network that is given as plain arrays, such as one that MATLAB trained."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import RecipeError
from .base import BaseAutoencoder
from .denoising import DenoisingAutoencoder
from .sparse import SparseAutoencoder

# arrays of models that are read from their folder instead
UNREADABLE = ("k", "threshold", "gate_scale", "refinement", "centred", "whitening", "knots", "row_lengths")
SCALING = ("shift", "scale", "mean", "target_shift", "target_scale")


def from_arrays(arrays: Mapping[str, Any], estimator: BaseAutoencoder | None = None) -> BaseAutoencoder:
    """Return a fitted estimator of a network of dense layers that was trained elsewhere.

    Parameters
    ----------
    arrays : mapping of str to array-like
        The network by the names of docs/arrays.md, as numpy.load and scipy.io.loadmat return them. Required are
        "coding_layer" (an activation's name) and the weights [in, out] and biases "encoder_weight_1", "encoder_bias_1",
        "decoder_weight_1", "decoder_bias_1", …; without decoder weights they are the encoder's, transposed.
        "hidden_activation" is relu if missing, "output_activation" identity, "shift" 0 and "scale" 1; "target_shift"
        and "target_scale" are those of the rows, "mean" (what a missing value is replaced by) is the shift.
        "columns" (names as a JSON list) may be missing; other names are ignored.
    estimator : DenoisingAutoencoder or SparseAutoencoder, optional
        How the network is trained further; by default DenoisingAutoencoder(). Its n_components, activation,
        output_activation and tied are set.

    Returns
    -------
    DenoisingAutoencoder or SparseAutoencoder
        The estimator itself, with the weights in float32.

    Raises
    ------
    RecipeError
        An array is missing, does not fit the others or is not finite; an activation is unknown; or the arrays describe
        codes that are not elementwise, a whitening, tables or lengths of rows: `taciturn.load` reads those from the
        model's folder.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shapes = {"encoder_weight_1": (4, 3), "encoder_bias_1": 3, "decoder_weight_1": (3, 4), "decoder_bias_1": 4}
    >>> arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    >>> model = from_arrays(arrays | {"coding_layer": "sigmoid"})
    >>> model.transform(np.zeros((2, 4))).shape
    (2, 3)
    """
    import torch

    from .adopted import adopted

    estimator = DenoisingAutoencoder() if estimator is None else estimator
    if not isinstance(estimator, DenoisingAutoencoder | SparseAutoencoder):
        kind = type(estimator).__name__
        raise RecipeError(f"from_arrays: a {kind} cannot hold the network; give a DenoisingAutoencoder or none")
    for name in UNREADABLE:
        if name in arrays and np.any(arrays[name]):
            raise RecipeError(f"from_arrays cannot read a network with {name!r}; load the model's folder instead")
    n_layers = 1
    while f"encoder_weight_{n_layers + 1}" in arrays:
        n_layers += 1
    tied = "decoder_weight_1" not in arrays
    encoder = [_numbers(arrays, f"encoder_weight_{number}", 2).T for number in range(1, n_layers + 1)]
    decoder = [] if tied else [_numbers(arrays, f"decoder_weight_{number}", 2) for number in range(1, n_layers + 1)]
    numbers = {name: _numbers(arrays, name, 1) for name in SCALING if name in arrays}
    for side, weights in (("encoder", encoder), ("decoder", decoder or encoder[::-1])):
        for index, weight in enumerate(weights):
            numbers[f"{side}.{index}.weight"] = weight
            numbers[f"{side}.{index}.bias"] = _numbers(arrays, f"{side}_bias_{index + 1}", 1)
    for name in ("scale", "target_scale"):
        if name in numbers and not (numbers[name] > 0).all():
            raise RecipeError(f"{name!r} must be greater than 0; give 1 for a constant column")
    coding, width = _text(_array(arrays, "coding_layer")), encoder[0].shape[1]
    estimator.set_params(
        n_components=tuple(len(weight) for weight in encoder),
        activation=(_text(arrays.get("hidden_activation", "relu")), coding),
        output_activation=_text(arrays.get("output_activation", "identity")),
        tied=tied,
    )
    columns = _columns(_text(arrays["columns"]), width) if "columns" in arrays else None
    tensors = {name: torch.tensor(array) for name, array in numbers.items()}
    model = adopted(estimator, width, tensors, columns=columns)
    if (layer := model.module_.layout.coder.name) != coding:
        raise RecipeError(
            f"the estimator's sparsity sets {layer} codes, but the arrays' are {coding}; give a penalty only"
        )
    return model


def _columns(text: str, width: int) -> list[str]:
    """Return the names in a JSON list; raise RecipeError unless there is one for each column."""
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or len(names) != width:
        raise RecipeError(f"'columns' is not a JSON list of {width} names")
    return list(map(str, names))


def _array(arrays: Mapping[str, Any], name: str) -> Any:
    if name not in arrays:
        raise RecipeError(f"from_arrays: there is no {name!r}; docs/arrays.md lists the names")
    return arrays[name]


def _numbers(arrays: Mapping[str, Any], name: str, n_dimensions: int) -> NDArray[Any]:
    """Return an array of numbers; MATLAB's vectors, which have two dimensions, with one."""
    value = _array(arrays, name)
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{name!r} is not an array of real numbers") from error
    if n_dimensions == 1 and array.size == max(array.shape, default=1):
        array = array.ravel()
    if array.ndim != n_dimensions:
        raise RecipeError(
            f"{name!r} has shape {list(array.shape)}; give {n_dimensions} dimension{'s' * (n_dimensions > 1)}"
        )
    return array if name in SCALING else array.astype(np.float32)


def _text(value: Any) -> str:
    """Return a text; numpy.load and scipy.io.loadmat return it as an array."""
    return "".join(map(str, np.ravel(value)))
