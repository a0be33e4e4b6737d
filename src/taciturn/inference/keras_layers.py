"""Keras layers for what Keras has none of: scaling, tied kernels and coding layers. They run on each of its backends.

Importing this module registers them, and those of `keras_training`, so that `keras.saving.load_model` reads a file with
them in safe mode.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from .keras_training import (
    SGD,
    Adam,
    Configured,
    MaskingNoise,
    Nadam,
    Noise,
    SaltPepperNoise,
    ScaledError,
    Sparsity,
    SwapNoise,
    WideGaussianNoise,
    register,
    with_gradient,
)

__all__ = [
    "SGD",
    "Adam",
    "BatchTopK",
    "Bias",
    "Gated",
    "JumpReLU",
    "MaskingNoise",
    "MirroredDense",
    "Nadam",
    "Noise",
    "Refine",
    "SaltPepperNoise",
    "Scale",
    "ScaledError",
    "Sparsity",
    "SwapNoise",
    "TopK",
    "WideGaussianNoise",
]

LARGEST_MEAN = 100  # the running mean of BatchTopK's thresholds moves by at least 1/100 per batch


# --- scaling ----------------------------------------------------------------------------------------------------
@register
class Scale(keras.layers.Layer):
    """Rows [B, D] to scaled rows, (x - shift) / scale @ matrix; or, with `inverse`, scaled rows to rows.

    Parameters
    ----------
    shift, scale : sequence of float [D]
        Their float64 is part of the configuration, so that a saved network keeps it to the bit.
    inverse : bool, default=False
        Return x @ matrix · scale + shift instead.
    mixes : bool, default=False
        Whether there is a matrix [D, D], as for a scaling that whitens: a weight that is not trained.
    unit : sequence of float [D], optional
        The unit of each column's errors, which the layer only keeps.
    mean : sequence of float [D], optional
        Each column's mean, as which a missing value (NaN) enters.

    Notes
    -----
    The shift is subtracted in two parts of float32: rounded to one, it would move the centre of a column near 10⁶. The
    parts are weights, and the second is subtracted behind the division, because TensorFlow adds up constants.
    """

    def __init__(
        self,
        shift: Any,
        scale: Any,
        inverse: bool = False,
        mixes: bool = False,
        unit: Any = None,
        mean: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.numbers = {"shift": np.asarray(shift, np.float64), "scale": np.asarray(scale, np.float64)}
        kept = {"unit": unit, "mean": mean}
        self.numbers |= {name: np.asarray(value, np.float64) for name, value in kept.items() if value is not None}
        self.inverse, self.mixes = inverse, mixes

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor as plain values."""
        numbers = {name: array.tolist() for name, array in self.numbers.items()}
        config: dict[str, Any] = super().get_config()
        return config | numbers | {"inverse": self.inverse, "mixes": self.mixes}

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the numbers, which are not trained."""
        shift, scale = self.numbers["shift"], self.numbers["scale"]
        high = shift.astype(np.float32)
        fill = (self.numbers.get("mean", shift) - shift) / scale
        numbers: dict[str, Any] = {"shift": high, "scale": scale, "rest": (shift - high) / scale, "fill": fill}
        self.high, self.scale, self.rest, self.fill = (
            self.add_weight(shape=number.shape, initializer=_initial(number), trainable=False, name=name)
            for name, number in numbers.items()
        )
        if self.mixes:
            shape = (input_shape[-1], input_shape[-1])
            self.matrix = self.add_weight(shape=shape, initializer="identity", trainable=False, name="matrix")

    def call(self, x: Any) -> Any:
        """Return scaled rows, or rows, [B, D]."""
        if self.inverse:
            x = ops.matmul(x, self.matrix) if self.mixes else x
            return (x + self.rest) * self.scale + self.high
        fill = ops.convert_to_tensor(self.fill)  # JAX takes no variable here
        x = ops.where(ops.isnan(x), fill, (x - self.high) / self.scale - self.rest)
        return ops.matmul(x, self.matrix) if self.mixes else x


def _initial(number: Any) -> Callable[..., Any]:
    """Return an initialiser that sets a variable to this array."""
    return lambda shape, dtype=None: ops.convert_to_tensor(number, dtype=dtype)


# --- layers that are used more than once ------------------------------------------------------------------------
@register
class MirroredDense(Configured, keras.layers.Layer):
    """A dense layer that can be called again with its kernel transposed, so that tied weights are one variable.

    Parameters
    ----------
    units : int
        Columns of the kernel.
    activation : str, default="linear"
        The activation of "forward".
    use_bias : bool, default=True
        Whether "forward" adds a bias.
    constraint : str or None
        A constraint of Keras on the kernel, as `keras.constraints.serialize` returns it.
    """

    fields = ("units", "activation", "use_bias", "constraint")

    def __init__(
        self, units: int, activation: str = "linear", use_bias: bool = True, constraint: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.activation, self.use_bias, self.constraint = units, activation, use_bias, constraint

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make kernel and bias."""
        constraint = keras.constraints.get(self.constraint)
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel", constraint=constraint)
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, x: Any, part: str = "forward") -> Any:
        """Return a part of the layer's computation.

        "forward": activation(x @ kernel + bias). "product": x @ kernel. "transpose": x @ kernel'. "row_norms" and
        "column_norms": the norms of the kernel's rows, or columns, [1, n]; x is not used.
        """
        if part == "transpose":
            return ops.matmul(x, ops.transpose(self.kernel))
        if part.endswith("norms"):
            squares = ops.sum(ops.square(self.kernel), axis=1 if part == "row_norms" else 0)
            return ops.sqrt(ops.maximum(squares, 1e-30))[None]
        product = ops.matmul(x, self.kernel)
        if part == "product":
            return product
        return keras.activations.get(self.activation)(product + self.bias if self.use_bias else product)


@register
class Bias(Configured, keras.layers.Layer):
    """A bias that is added, and can be subtracted elsewhere: that of a tied decoder, or of one that centres the input.

    Parameters
    ----------
    activation : str, default="linear"
        The activation of the sum.
    centres : bool, default=False
        Whether it is also subtracted from the encoder's input. The network's calls do so; this only names it.
    """

    fields = ("activation", "centres")

    def __init__(self, activation: str = "linear", centres: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation, self.centres = activation, centres

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the bias."""
        self.bias = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="bias")

    def call(self, x: Any, subtract: bool = False) -> Any:
        """Return activation(x + bias), or x - bias."""
        return x - self.bias if subtract else keras.activations.get(self.activation)(x + self.bias)


@register
class Refine(keras.layers.Layer):
    """Pre-activations [B, L] plus η times what the reconstruction leaves over, for the codes of the next refinement."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.eta = self.add_weight(shape=(), initializer=keras.initializers.Constant(0.3), name="eta")

    def call(self, pre: Any, change: Any) -> Any:
        """Return pre + η · change."""
        return pre + self.eta * change


# --- coding layers ----------------------------------------------------------------------------------------------
@register
class TopK(Configured, keras.layers.Layer):
    """Each row's k largest pre-activations, with negative ones set to 0; of equal ones the first.

    Parameters
    ----------
    k : int
        Codes per row.
    signed : bool, default=False
        Keep the k largest absolute values instead, with their signs.
    """

    fields = ("k", "signed")

    def __init__(self, k: int, signed: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.k, self.signed = k, signed

    def call(self, z: Any) -> Any:
        """Return codes [B, L]."""
        k, size = min(self.k, z.shape[-1]), ops.stop_gradient(ops.abs(z) if self.signed else z)
        kept = _largest(size, ops.top_k(size, k)[0][:, -1:], k)
        return ops.where(kept, z if self.signed else ops.relu(z), 0.0)


@register
class BatchTopK(Configured, keras.layers.Layer):
    """In training a batch's k · B largest pre-activations; otherwise those above a threshold, the rows by themselves.

    Training moves the threshold towards the least positive value that each batch kept.

    Parameters
    ----------
    k : float
        Mean number of codes per row.
    """

    fields = ("k",)

    def __init__(self, k: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.k = k
        self.threshold = self.add_weight(shape=(), initializer="zeros", trainable=False, name="threshold")
        self.batches = self.add_weight(shape=(), initializer="zeros", trainable=False, name="batches")

    def call(self, z: Any, training: bool | None = None, last: bool = True) -> Any:
        """Return codes [B, L]; a call before a refinement, which is not the `last`, leaves the threshold as it is."""
        if not training:
            return ops.where(z > self.threshold, z, 0.0)
        flat = ops.reshape(ops.stop_gradient(z), (1, -1))
        n_rows, n_codes = ops.shape(z)[0], ops.shape(flat)[1]
        n = ops.cast(ops.round(self.k * ops.cast(n_rows, "float32")), "int32")
        n = ops.clip(n, 1, n_codes)
        least = ops.take(ops.sort(flat, axis=1), [n_codes - n], axis=1)
        kept = ops.reshape(_largest(flat, least, n), ops.shape(z))
        codes = ops.where(kept, ops.relu(z), 0.0)
        if last:
            positive = ops.where(codes > 0, codes, float("inf"))
            least_positive = ops.stop_gradient(ops.min(positive))
            found = least_positive < float("inf")
            self.batches.assign(ops.minimum(self.batches + ops.cast(found, self.batches.dtype), LARGEST_MEAN))
            change = (least_positive - self.threshold) / ops.maximum(self.batches, 1.0)
            self.threshold.assign(self.threshold + ops.where(found, change, 0.0))
        return codes


def _largest(size: Any, least: Any, n: Any) -> Any:
    """Return which n entries of each row are largest, given the n-th largest [B, 1]; of equal ones the first."""
    above, equal = size > least, size == least
    missing = n - ops.sum(ops.cast(above, "int32"), axis=1, keepdims=True)
    return ops.logical_or(above, ops.logical_and(equal, ops.cumsum(ops.cast(equal, "int32"), axis=1) <= missing))


@register
class JumpReLU(Configured, keras.layers.Layer):
    """Pre-activations above a threshold θ ≥ 0, trained for each latent.

    The gradient of H(z - θ) is that of the rectangle kernel: 1/width where |z - θ| < width/2, else 0.

    Parameters
    ----------
    bandwidth : float
        The kernel's width, in units of `spread`.
    spread : float
        The standard deviation of all pre-activations before the first step.
    """

    fields = ("bandwidth", "spread")

    def __init__(self, bandwidth: float, spread: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bandwidth, self.spread = bandwidth, spread

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the thresholds."""
        self.threshold = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="threshold")

    def call(self, z: Any) -> Any:
        """Return codes [B, L]."""
        # the gradient reaches θ below 0 too, so that θ can rise again
        theta = with_gradient(ops.maximum(self.threshold, 0.0), self.threshold)
        ramp = ops.clip((z - theta) / (self.bandwidth * self.spread) + 0.5, 0.0, 1.0)
        return z * with_gradient(ops.cast(z > theta, z.dtype), ramp)


@register
class Gated(keras.layers.Layer):
    """Products p [B, L] to codes: max(exp(log_scale) · p + magnitude_bias, 0) where p + gate_bias > 0, else 0."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the gate's bias, and scale and bias of the codes' size."""
        for name in ("gate_bias", "log_scale", "magnitude_bias"):
            setattr(self, name, self.add_weight(shape=(input_shape[-1],), initializer="zeros", name=name))

    def call(self, p: Any) -> Any:
        """Return codes [B, L]."""
        size = ops.relu(p * ops.exp(self.log_scale) + self.magnitude_bias)
        return ops.where(p + self.gate_bias > 0, size, 0.0)
