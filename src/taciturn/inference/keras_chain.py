"""The layers of a Keras network, one after another: dense ones, noise and scaling, and the coding layer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..core.errors import RecipeError

Vector = NDArray[np.float64]
WHAT_CAN = "Dense layers that mirror each other, with noise and scaling around them, can be taken over"


@dataclass
class Scaling:
    """The scaling layers at one end: rows to (x - shift) / scale @ matrix, or outputs to y @ matrix · scale + shift.

    `unit` is that of errors, `mean` what a missing value enters as, where a layer keeps them.
    """

    shift: Any = 0.0
    scale: Any = 1.0
    matrix: Vector | None = None
    unit: Vector | None = None
    mean: Vector | None = None


@dataclass
class DenseLayer:
    """One dense layer: its numbers, and the activations that follow it, as (layer's name, Keras's name)."""

    layer: Any
    activations: list[tuple[str, str]] = field(default_factory=list)


class Chain:
    """The layers of a Keras network, sorted by what they do.

    Parameters
    ----------
    keras : module
        The package.
    network : keras.Model
        The network; of networks inside it the layers are taken too.

    Attributes
    ----------
    width : int
        D, the number of columns.
    denses : list of DenseLayer
        The dense layers in order.
    biases, refinements : list of layers
        `Bias` and `Refine` layers in order.
    coder : layer or None
        The coding layer, if it is one of this library's; `coder_after` dense layers stand before it.
    noises, penalties : list of str
        The texts of corruptions and penalties.
    front, back : Scaling
        The scaling before the first dense layer, and behind the last.

    Raises
    ------
    RecipeError
        The network is not built, has not one flat input, or has a layer that cannot be expressed.
    """

    def __init__(self, keras: Any, network: Any) -> None:
        from . import keras_layers

        self.keras, self.ours = keras, keras_layers
        self.denses: list[DenseLayer] = []
        self.biases: list[Any] = []
        self.refinements: list[Any] = []
        self.coder: Any = None
        self.coder_after = 0  # the number of dense layers before the coding layer
        self.noises: list[str] = []
        self.penalties: list[str] = []
        self.front, self.back = Scaling(), Scaling()
        self.back_layer = ""  # the name of a scaling layer behind the dense ones
        self.width = _width(network)
        for layer in _flat(keras, network):
            self._take(layer)

    def _take(self, layer: Any) -> None:
        layers, ours = self.keras.layers, self.ours
        kind = type(layer)
        if kind in (layers.InputLayer, layers.Identity, layers.Flatten, layers.Subtract):
            return
        if kind in (layers.Rescaling, layers.Normalization, ours.Scale):
            self._take_scaling(layer)
        elif kind in (layers.GaussianNoise, layers.Dropout) or isinstance(layer, ours.Noise):
            self._take_noise(layer)
        elif kind in (layers.Dense, ours.MirroredDense):
            self._take_dense(layer)
        elif kind is ours.Bias:
            self.biases.append(layer)
        elif kind is ours.Refine:
            self.refinements.append(layer)
        elif kind in (ours.TopK, ours.BatchTopK, ours.JumpReLU, ours.Gated):
            if self.coder is not None:
                refuse(layer, "is a second coding layer", "keep one")
            self.coder, self.coder_after = layer, len(self.denses)
        elif kind is ours.Sparsity:
            self.penalties.append(self._penalty_text(layer))
        elif kind in (layers.Activation, layers.ReLU, layers.ELU):
            self._take_activation(layer)
        else:
            refuse(layer, f"is of the class {kind.__name__}", WHAT_CAN)

    def _take_scaling(self, layer: Any) -> None:
        behind = bool(self.denses)
        if behind:
            self.back_layer = layer.name
        elif self.noises:
            refuse(layer, "scales the rows after the noise", "put the noise layer behind it")
        side = self.back if behind else self.front
        shift, scale, inverse = self._numbers(layer, side)
        if inverse != behind:
            shift, scale = -shift / scale, 1 / scale
        # the layer follows those that were taken before it
        side.shift = side.shift * scale + shift if behind else side.shift + side.scale * shift
        side.scale = side.scale * scale

    def _numbers(self, layer: Any, side: Scaling) -> tuple[Vector, Vector, bool]:
        """Return the shift and the scale of a scaling layer, and whether it returns x · scale + shift."""
        if type(layer) is self.ours.Scale:
            if layer.mixes:
                side.matrix = array(layer.matrix)
            side.unit, side.mean = layer.numbers.get("unit"), layer.numbers.get("mean")
            return layer.numbers["shift"], layer.numbers["scale"], layer.inverse
        if type(layer) is self.keras.layers.Rescaling:
            return np.asarray(layer.offset, np.float64), np.asarray(layer.scale, np.float64), True
        variance = np.maximum(np.sqrt(array(layer.variance).reshape(-1)), self.keras.config.epsilon())
        return array(layer.mean).reshape(-1), variance, layer.invert

    def _take_noise(self, layer: Any) -> None:
        layers, ours = self.keras.layers, self.ours
        if self.denses:
            refuse(layer, "corrupts the values between two layers", "leave it out: only the input can be corrupted")
        if type(layer) is layers.Dropout and layer.noise_shape is not None:
            refuse(layer, "has a noise_shape", "leave that out")
        name = {
            layers.GaussianNoise: "gaussian",
            layers.Dropout: "dropout",
            ours.WideGaussianNoise: "gaussian",
            ours.MaskingNoise: "masking",
            ours.SaltPepperNoise: "salt_pepper",
            ours.SwapNoise: "swap",
        }[type(layer)]
        text = f"{name}:{layer.stddev if type(layer) is layers.GaussianNoise else layer.rate}"
        self.noises.append(text + (f",low={layer.low},high={layer.high}" if name == "salt_pepper" else ""))

    def _take_dense(self, layer: Any) -> None:
        if self.back_layer:
            refuse(layer, f"comes after {self.back_layer!r}, which scales", "put the scaling at either end")
        for name in ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "bias_constraint"):
            if getattr(layer, name, None) is not None:
                mend = f"set its {name} to None, and give the penalty as sparsity= or alpha= to an estimator"
                refuse(layer, f"has {name}={type(getattr(layer, name)).__name__}", mend)
        if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None):
            refuse(layer, "has a quantised or low-rank kernel", "merge it into a plain kernel first")
        activation = layer.activation if isinstance(layer.activation, str) else _name_of(self.keras, layer)
        self.denses.append(DenseLayer(layer, [] if activation == "linear" else [(layer.name, activation)]))

    def _take_activation(self, layer: Any) -> None:
        layers = self.keras.layers
        if not self.denses:
            refuse(layer, "stands before the first dense layer", "leave it out")
        if type(layer) is layers.Activation:
            name = _name_of(self.keras, layer)
        else:
            plain = layers.ReLU() if type(layer) is layers.ReLU else layers.ELU()
            own, default = layer.get_config(), plain.get_config()
            changed = sorted(key for key in default if key not in ("name", "dtype") and own.get(key) != default[key])
            if changed:
                refuse(layer, f"has {changed[0]}={own[changed[0]]}", "leave that out")
            name = "relu" if type(layer) is layers.ReLU else "elu"
        if name != "linear":
            self.denses[-1].activations.append((layer.name, name))

    def _penalty_text(self, layer: Any) -> str:
        named = [f"weight={layer.weight}"]
        if layer.penalty == "l1" and layer.scaled:
            named.append("scaled=true")
        number = layer.target if layer.target is not None else layer.steepness
        values = [] if number is None else [str(number)]
        return f"{layer.penalty}:{','.join(values + named)}"


def _flat(keras: Any, network: Any) -> Iterator[Any]:
    """Yield the layers in order, those of networks inside the network too."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _flat(keras, layer)
        else:
            yield layer


def _width(network: Any) -> int:
    if not network.built or not getattr(network, "inputs", None):
        raise RecipeError(
            f"the network {network.name!r} is not built; call it on some rows, or begin it with keras.Input"
        )
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise RecipeError(f"the network {network.name!r} must have one input and one output")
    shape = network.inputs[0].shape
    if len(shape) != 2 or shape[1] is None:
        raise RecipeError(
            f"the input of the network {network.name!r} has the shape {tuple(shape)}; build it for flat rows, (None, D)"
        )
    return int(shape[1])


def _name_of(keras: Any, layer: Any) -> str:
    name = keras.activations.serialize(layer.activation)
    return name if isinstance(name, str) else str(getattr(layer.activation, "__name__", name))


def refuse(layer: Any, reason: str, mend: str) -> NoReturn:
    """Raise RecipeError for a layer, with the reason and what could be done."""
    raise RecipeError(f"layer {layer.name!r} {reason}; {mend}")


def array(variable: Any) -> Vector:
    """Return a variable's numbers in float64."""
    import keras

    ops: Any = keras.ops
    return np.asarray(ops.convert_to_numpy(variable), dtype=np.float64)
