"""Keras layers, losses and optimisers for training: penalties, noise, the error in scaled units, and weight decay."""

from typing import Any, ClassVar

import keras
from keras import ops

EPSILON = 2.0**-23  # of float32
register = keras.saving.register_keras_serializable(package="taciturn")


class Configured:
    """A part of Keras whose configuration is that of its base class and the attributes named in `fields`."""

    fields: ClassVar[tuple[str, ...]] = ()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor as plain values."""
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        return config | {name: getattr(self, name) for name in self.fields}


def with_gradient(value: Any, surrogate: Any) -> Any:
    """Return a value, to the bit, with the gradient of a surrogate."""
    surrogate = ops.convert_to_tensor(surrogate)
    return ops.stop_gradient(value) + (surrogate - ops.stop_gradient(surrogate))


# --- penalties --------------------------------------------------------------------------------------------------
@register
class Sparsity(Configured, keras.layers.Layer):
    """Codes [B, L] as they are; a penalty on them is added to the loss.

    Parameters
    ----------
    penalty : {"kl", "squared_rate", "l1", "tanh_penalty"}
        Σ_l cost(target, q_l) with the batch's mean activations q_l for the first two; the mean over rows of
        Σ_l |code_l| · norm_l, or of Σ_l tanh(steepness · |code_l| · norm_l), for the others.
    weight : float
        Its factor in the loss.
    target : float or None
        The target rate ρ of "kl" and "squared_rate".
    steepness : float or None
        Of "tanh_penalty".
    signed : bool, default=True
        False: codes are never negative. Their absolute value is then not taken, whose gradient is 0 at 0.
    scaled : bool, default=False
        Whether codes are multiplied by the norms of the dictionary's rows, which the layer is then called with.
    """

    fields = ("penalty", "weight", "target", "steepness", "signed", "scaled")

    def __init__(
        self,
        penalty: str,
        weight: float,
        target: float | None = None,
        steepness: float | None = None,
        signed: bool = True,
        scaled: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.penalty, self.weight, self.target = penalty, weight, target
        self.steepness, self.signed, self.scaled = steepness, signed, scaled

    def call(self, codes: Any, norms: Any = None) -> Any:
        """Return the codes; `norms` [1, L] are those of the dictionary's rows."""
        self.add_loss(self.weight * self._penalty(codes, norms))
        return codes

    def _penalty(self, codes: Any, norms: Any) -> Any:
        q, rho = ops.mean(codes, axis=0), self.target or 0.0
        if self.penalty == "squared_rate":
            return ops.sum(ops.square(q - rho))
        if self.penalty == "kl":
            # clamps the value and not the gradient, which must reach saturated latents
            q = with_gradient(ops.clip(q, EPSILON, 1 - EPSILON), q)
            return ops.sum(rho * ops.log(rho / q) + (1 - rho) * ops.log((1 - rho) / (1 - q)))
        size = ops.abs(codes) if self.signed else codes
        size = size if norms is None else size * norms
        return ops.mean(ops.sum(size if self.penalty == "l1" else ops.tanh(self.steepness * size), axis=1))


# --- corruptions ------------------------------------------------------------------------------------------------
class Noise(Configured, keras.layers.Layer):
    """The base class of noise layers, which are active in training only; a subclass implements `corrupt`.

    Parameters
    ----------
    rate : float
        Probability that an entry is changed.
    seed : int or None
        Seed of the noise.
    """

    fields: ClassVar[tuple[str, ...]] = ("rate", "seed")

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Return x, in training with noise."""
        return self.corrupt(x) if training else x

    def uniform(self, x: Any) -> Any:
        """Return numbers in [0, 1) in the shape of x."""
        return keras.random.uniform(ops.shape(x), dtype=x.dtype, seed=self.seed_generator)

    def corrupt(self, x: Any) -> Any:
        """Return x with noise."""
        raise NotImplementedError


@register
class WideGaussianNoise(Noise):
    """Add `rate` · N(0, 1); for a standard deviation above 1, which Keras's own layer refuses."""

    def corrupt(self, x: Any) -> Any:
        """Return x + rate · N(0, 1)."""
        return x + self.rate * keras.random.normal(ops.shape(x), dtype=x.dtype, seed=self.seed_generator)


@register
class MaskingNoise(Noise):
    """Set each entry to 0 with probability `rate`; unlike Dropout, the others stay as they are."""

    def corrupt(self, x: Any) -> Any:
        """Return x · [not masked]."""
        return ops.where(self.uniform(x) < self.rate, 0.0, x)


@register
class SaltPepperNoise(Noise):
    """Set each entry with probability `rate` to `low` or `high`, each equally likely."""

    fields = ("rate", "low", "high", "seed")

    def __init__(
        self, rate: float, low: float = 0.0, high: float = 1.0, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(rate, seed, **kwargs)
        self.low, self.high = low, high

    def corrupt(self, x: Any) -> Any:
        """Return x with some entries set to `low` or `high`."""
        drawn = self.uniform(x)
        return ops.where(drawn < self.rate / 2, self.low, ops.where(drawn < self.rate, self.high, x))


@register
class SwapNoise(Noise):
    """Replace each entry with probability `rate` by the same column's value in another row of the batch."""

    def corrupt(self, x: Any) -> Any:
        """Return x with some entries taken from other rows."""
        n_rows = ops.shape(x)[0]
        offset = 1 + ops.cast(self.uniform(x) * ops.cast(n_rows - 1, x.dtype), "int32")
        donors = ops.mod(ops.arange(n_rows, dtype="int32")[:, None] + offset, n_rows)
        return ops.where(self.uniform(x) < self.rate, ops.take_along_axis(x, donors, axis=0), x)


# --- losses and optimisers --------------------------------------------------------------------------------------
@register
class ScaledError(Configured, keras.losses.Loss):
    """The reconstruction error in scaled units, which training minimises; the network's output is in the targets'.

    Parameters
    ----------
    error : {"squared_error", "cross_entropy"}
        The error's name.
    shift, scale : list of float [D]
        Scaled targets are (y - shift) / scale @ matrix.
    matrix : list [D, D], optional
        For a scaling that whitens.
    """

    fields = ("error", "shift", "scale", "matrix")

    def __init__(
        self, error: str, shift: Any, scale: Any, matrix: Any = None, name: str = "scaled_error", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.error, self.shift, self.scale, self.matrix = error, shift, scale, matrix

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return each row's mean over the columns [B]."""
        scale, shift = (ops.convert_to_tensor(numbers, dtype=y_pred.dtype) for numbers in (self.scale, self.shift))
        if self.error == "cross_entropy":
            return keras.losses.binary_crossentropy((y_true - shift) / scale, (y_pred - shift) / scale)
        error = (y_pred - y_true) / scale
        if self.matrix is not None:
            error = ops.matmul(error, ops.convert_to_tensor(self.matrix, dtype=y_pred.dtype))
        return ops.mean(ops.square(error), axis=-1)


class DecaysKernels:
    """An optimiser whose weight decay leaves out all that is not a kernel, also after the network was loaded."""

    def build(self, variables: Any) -> None:
        """Make the optimiser's state."""
        self.exclude_from_weight_decay(var_list=[each for each in variables if each.name != "kernel"])  # type: ignore[attr-defined]
        super().build(variables)  # type: ignore[misc]


@register
class Adam(DecaysKernels, keras.optimizers.Adam):
    """Keras's Adam, with decoupled decay of the kernels."""


@register
class Nadam(DecaysKernels, keras.optimizers.Nadam):
    """Keras's Nadam, with decoupled decay of the kernels."""


@register
class SGD(DecaysKernels, keras.optimizers.SGD):
    """Keras's SGD, with decoupled decay of the kernels."""
