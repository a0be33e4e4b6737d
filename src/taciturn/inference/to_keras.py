"""A trained model as a Keras network, which can be used, trained and saved without this library's training."""

import math
import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..core.atomic import atomic
from ..core.errors import RecipeError, TaciturnError, TaciturnWarning
from ..core.schedules import final
from ..core.uniform import Uniform
from ..corruption import Amount, Chain, Clean, Corruption, Dropout, Gaussian, Masking, Missing, SaltPepper, Swap
from ..model import Autoencoder, InferenceModule, Layout
from ..model.coding_layers import BatchTopK, ByVariable, Elementwise, Gated, JumpReLU, TopK
from ..objective import KL, L1, CrossEntropy, SquaredError, SquaredRate, TanhPenalty, Term
from ..training import PARTIAL_FIT_LEARNING_RATE, Settings
from ..training.constraints import Bounded, UnitNorm
from ..training.solvers import SGD, Adam, Nadam

if TYPE_CHECKING:
    import keras

RATES, SIZES = (KL, SquaredRate), (L1, TanhPenalty)
ACTIVATIONS = {"identity": "linear", "relu": "relu", "elu": "elu", "tanh": "tanh", "sigmoid": "sigmoid"}


def import_keras(caller: str) -> Any:
    """Return the package keras.

    Parameters
    ----------
    caller : str
        What needs it, for the message.

    Raises
    ------
    TaciturnError
        Keras, or the backend that it is set to, is not installed.
    """
    try:
        import keras
    except ImportError as error:
        if error.name == "keras":
            raise TaciturnError(f"{caller} needs keras; pip install 'taciturn[keras]'") from error
        backend = str(error.name).partition(".")[0]
        raise TaciturnError(
            f"{caller}: Keras finds no {backend}, its backend; pip install {backend}, or set the environment variable "
            "KERAS_BACKEND=torch"
        ) from error
    return keras


def to_keras(model: Autoencoder, settings: Settings, weights: Mapping[str, float]) -> "keras.Model":
    """Return a model as a compiled Keras network with the same numbers.

    Parameters
    ----------
    model : Autoencoder
        The model; its numbers are copied.
    settings : Settings
        How it was trained: corruption, penalties and optimiser.
    weights : mapping of str to float
        The automatic weight of each penalty that has one, by the penalty's name. It stays fixed in Keras.

    Returns
    -------
    keras.Model
        From rows in the input's units to reconstructions in the targets'. Its layers are "input", "scale",
        "corruption", "encoder_1" …, "codes", "sparsity", "decoder_1" … and "unscale", as far as there is something for
        them to do.

    Raises
    ------
    TaciturnError
        Keras or its backend is not installed.
    RecipeError
        Keras has no layer for the coding layer, an activation, the corruption, a scaling by ranks or by rows, or a
        table's booleans and categories.

    Warns
    -----
    TaciturnWarning
        Parts of the training that the network leaves out, all in one warning.

    Notes
    -----
    Tied weights stay one variable. Penalties act on the codes of the corrupted rows, as in the textbook. A schedule
    stands at its last value, and a learning rate of 0.001 replaces a scheduled one, as in `partial_fit`.
    """
    if model.quantiles or model.row_lengths is not None:
        raise RecipeError(
            f"Keras has no layer for scaling={settings.scaling.text!r}; write an .onnx, .pt2 or .npz file, or fit with "
            "scaling='standard'"
        )
    if isinstance(model.layout.output, ByVariable):
        raise RecipeError("Keras has no layer for booleans and categories; write an .onnx or .pt2 file, which has")
    keras = import_keras("to_keras")
    return _Builder(keras, model, settings, weights).network()


def to_keras_file(artifact: Any, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a stored model as a .keras file, completely or not at all.

    Parameters
    ----------
    artifact : Artifact
        What `artifact.load` returned.
    path : str or path-like
        The file; its name ends in .keras.
    overwrite : bool, default=False
        Whether to replace an existing file.

    Raises
    ------
    TaciturnError
        Keras is not installed, the name has another ending, or the file exists or cannot be written.
    """
    name = os.fspath(path)
    if not name.endswith(".keras"):
        raise TaciturnError(f"{name} does not end in .keras; choose such a name")
    weights = {
        key.split(".")[2]: math.exp(tensor.item())
        for key, tensor in artifact.state.items()
        if key.startswith("step.controllers.") and key.endswith(".log_weight")
    }
    with atomic(path, overwrite=overwrite) as temporary:
        to_keras(artifact.model, artifact.settings, weights).save(temporary)


class _Builder:
    """Builds the network from the model's numbers, and keeps the parts that Keras cannot express."""

    def __init__(self, keras: Any, model: Autoencoder, settings: Settings, weights: Mapping[str, float]) -> None:
        from . import keras_layers

        if model.layout.outputs:
            raise RecipeError("a transcoder cannot be written for Keras; write an .onnx or a .pt2 file")
        self.keras, self.ours = keras, keras_layers
        self.model, self.module = model, InferenceModule(model)
        self.settings, self.weights = settings, weights
        self.layout: Layout = model.layout
        self.left_out: list[str] = []

    def network(self) -> "keras.Model":
        keras, layout, module = self.keras, self.layout, self.module
        rows = keras.Input((layout.widths[0],), name="input")
        h = self._scaling(rows, "scale", module.shift, module.scale, module.whitening)
        scaled = h = self._corrupted(h)
        self._make_layers()
        if layout.centred:
            h = self.decoder_bias(h, subtract=True)
        for layer in self.encoder:
            h = layer(h)
        codes = self._codes(scaled, h)
        logits = self._decoded(self._penalised(codes))
        output = self._scaling(
            logits, "unscale", module.target_shift, module.target_scale, module.target_colouring, inverse=True
        )
        self.unscales = output is not logits
        network = keras.Model(rows, output, name="autoencoder")
        self._set_weights()
        self._compile(network)
        if self.left_out:
            warnings.warn(
                f"the Keras network is trained without what Keras has no counterpart for: {', '.join(self.left_out)}",
                TaciturnWarning,
                stacklevel=4,
            )
        return network

    # --- layers -------------------------------------------------------------------------------------------------
    def _scaling(
        self, x: Any, name: str, shift: Tensor, scale: Tensor, matrix: Tensor | None, *, inverse: bool = False
    ) -> Any:
        unit = self.model.unit if inverse else torch.ones(1)
        if matrix is None and not bool(shift.any()) and bool((scale == 1).all()) and bool((unit == 1).all()):
            return x
        layer = self.ours.Scale(
            shift.tolist(),
            scale.tolist(),
            inverse=inverse,
            mixes=matrix is not None,
            unit=unit.tolist() if inverse else None,
            mean=self.model.mean.tolist(),
            name=name,
        )
        y = layer(x)
        if matrix is not None:
            layer.matrix.assign(_numpy(matrix))
        return y

    def _corrupted(self, x: Any) -> Any:
        corruption = self.settings.corruption.at(1.0)
        parts = corruption.parts if isinstance(corruption, Chain) else (corruption,)
        for number, part in enumerate((part for part in parts if not isinstance(part, Clean)), start=1):
            x = self._noise(part, "corruption" if number == 1 else f"corruption_{number}")(x)
        return x

    def _noise(self, part: Corruption, name: str) -> Any:
        layers, ours = self.keras.layers, self.ours
        if isinstance(part, Gaussian):
            std = _amount(part.std)
            return layers.GaussianNoise(std, name=name) if std <= 1 else ours.WideGaussianNoise(std, name=name)
        if isinstance(part, Dropout):
            return layers.Dropout(_amount(part.rate), name=name)
        if isinstance(part, Masking):
            return ours.MaskingNoise(_amount(part.rate), name=name)
        if isinstance(part, SaltPepper):
            return ours.SaltPepperNoise(_amount(part.rate), low=part.low, high=part.high, name=name)
        if isinstance(part, Swap):
            return ours.SwapNoise(_amount(part.rate), name=name)
        if isinstance(part, Missing) and not bool(self.model.scaled_mean.any()):  # the mean is 0, as in masking
            return ours.MaskingNoise(_amount(part.rate), name=name)
        raise RecipeError(f"the corruption {part.name} has no Keras layer; give the settings another corruption")

    def _make_layers(self) -> None:
        """Make the layers of encoder and decoder.

        The layers of a tied decoder are the encoder's, called with part="transpose", each with a bias of its own.
        """
        layout, ours, dense = self.layout, self.ours, self.keras.layers.Dense
        hidden, output = _activation(layout.hidden), _activation(layout.output)
        widths, n = layout.widths, len(layout.widths) - 1
        mirrored = ours.MirroredDense
        self.gated = isinstance(layout.coder, Gated)
        self.encoder = [
            (mirrored if layout.tied else dense)(
                widths[i + 1],
                activation="linear" if i + 1 == n else hidden,
                use_bias=not (self.gated and i + 1 == n),
                name=f"encoder_{i + 1}",
            )
            for i in range(n)
        ]
        activations = [hidden] * (n - 1) + [output]
        constraint = self._constraint()
        norms = any(_takes_norms(term) for term in self.settings.objective.terms)
        self.decoder: list[Any] = []
        self.biases: list[Any] = []
        self.decoder_bias: Any = None
        for i in range(n):
            last, name = i + 1 == n, f"decoder_{i + 1}"
            own_bias = layout.tied or (last and layout.centred)
            if own_bias:
                centres = last and layout.centred
                self.decoder_bias = ours.Bias(
                    activations[i], centres=centres, name=name if layout.tied else "decoder_bias"
                )
                self.biases.append(self.decoder_bias)
            if layout.tied:
                self.decoder.append(self.encoder[n - 1 - i])
                continue
            shared = i == 0 and (norms or layout.refine)
            self.decoder.append(
                (mirrored if shared else dense)(
                    widths[n - 1 - i],
                    activation="linear" if own_bias else activations[i],
                    use_bias=not own_bias,
                    name=name,
                    **({"constraint" if shared else "kernel_constraint": constraint} if i == 0 else {}),
                )
            )

    def _constraint(self) -> Any:
        constraints, constraint = self.keras.constraints, self.settings.constraint
        made = None
        if isinstance(constraint, UnitNorm) and not self.layout.tied:
            made = constraints.UnitNorm(axis=1)
        elif isinstance(constraint, Bounded) and not self.layout.tied:
            made = constraints.MaxNorm(1.0, axis=1)
        elif constraint.name != "free":
            self.left_out.append(f"the constraint {constraint.text}")
        return None if made is None else constraints.serialize(made)

    def _decoded(self, h: Any) -> Any:
        """Return the scaled reconstruction of codes."""
        biases = list(self.biases)
        for layer in self.decoder:
            h = biases.pop(0)(layer(h, part="transpose")) if self.layout.tied else layer(h)
        return biases.pop(0)(h) if biases else h

    def _codes(self, scaled: Any, pre: Any) -> Any:
        """Return the codes of pre-activations, after all refinements."""
        layout = self.layout
        name = "select" if layout.refine else "codes"
        self.coder = self._coder(name)
        self.refinements = [self.ours.Refine(name=f"refine_{i + 1}") for i in range(layout.refine)]
        early = {"last": False} if isinstance(layout.coder, BatchTopK) else {}
        for refine in self.refinements:
            left_over = self.keras.layers.Subtract(name=refine.name.replace("refine", "left_over"))(
                [scaled, self._decoded(self.coder(pre, **early))]
            )
            pre = refine(pre, self.decoder[0](left_over, part="product" if layout.tied else "transpose"))
        codes = self.coder(pre)
        return self.keras.layers.Identity(name="codes")(codes) if layout.refine else codes

    def _coder(self, name: str) -> Any:
        coder, ours = self.layout.coder, self.ours
        if isinstance(coder, TopK):
            return ours.TopK(round(final(coder.k)), coder.signed, name=name)
        if isinstance(coder, BatchTopK):
            return ours.BatchTopK(float(final(coder.k)), name=name)
        if isinstance(coder, JumpReLU):
            return ours.JumpReLU(float(coder.bandwidth), self.model.coder.state_dict()["spread"].item(), name=name)
        if isinstance(coder, Gated):
            return ours.Gated(name=name)
        if isinstance(coder, Elementwise):
            return self.keras.layers.Activation(_activation(coder), name=name)
        raise RecipeError(f"the coding layer {coder.name} has no Keras layer; write one, or export to ONNX")

    def _penalised(self, codes: Any) -> Any:
        """Return the codes after a layer for each penalty."""
        objective = self.settings.objective.at(1.0)
        self.error: Term = objective.terms[0]
        if not isinstance(self.error, SquaredError | CrossEntropy):
            self.left_out.append(f"{self.error.text} (but with squared_error)")
            self.error = SquaredError()
        number = 0
        for name, term in list(objective.by_name().items())[1:]:
            # the penalties of a gated layer act on its gate activations, which are no layer's output
            if not isinstance(term, RATES if self.gated else RATES + SIZES):
                self.left_out.append(term.text)
                continue
            number += 1
            scaled = _takes_norms(term)
            layer = self.ours.Sparsity(
                term.name,
                weight=float(self.weights.get(name, 1.0) if term.controlled else term.fixed_weight),
                target=term.target_value if isinstance(term, RATES) else None,
                steepness=float(term.steepness) if isinstance(term, TanhPenalty) else None,
                signed=not isinstance(self.layout.coder, JumpReLU),
                scaled=scaled,
                name="sparsity" if number == 1 else f"sparsity_{number}",
            )
            part = "column_norms" if self.layout.tied else "row_norms"
            codes = layer(codes, self.decoder[0](codes, part=part)) if scaled else layer(codes)
        return codes

    # --- numbers ------------------------------------------------------------------------------------------------
    def _set_weights(self) -> None:
        encoder, decoder = self.module.dense_layers
        for layer, affine in zip(self.encoder, encoder, strict=True):
            layer.kernel.assign(_numpy(affine.weight).T)
        *with_bias, last = self.encoder
        for layer, affine in zip(with_bias, encoder, strict=False):
            layer.bias.assign(_numpy(affine.bias))
        (self.coder.gate_bias if self.gated else last.bias).assign(_numpy(encoder[-1].bias))
        if not self.layout.tied:
            for layer, affine in zip(self.decoder, decoder, strict=True):
                layer.kernel.assign(_numpy(affine.weight))
        own = [layer for layer in self.decoder if layer.use_bias and not self.layout.tied] + self.biases
        for layer, affine in zip(own, decoder, strict=True):
            layer.bias.assign(_numpy(affine.bias))
        state = self.model.coder
        names: dict[type, dict[str, str]] = {
            JumpReLU: {"threshold": "value"},
            BatchTopK: {"threshold": "value", "batches": "batches"},
            Gated: {"log_scale": "log_scale", "magnitude_bias": "bias"},
        }
        for theirs, ours in names.get(type(self.layout.coder), {}).items():
            getattr(self.coder, theirs).assign(_numpy(getattr(state, ours)))
        for refine, eta in zip(self.refinements, self.module.refinements, strict=True):
            refine.eta.assign(_numpy(eta))

    # --- training -----------------------------------------------------------------------------------------------
    def _compile(self, network: "keras.Model") -> None:
        error_weight = self.error.fixed_weight
        network.compile(
            optimizer=self._optimiser(), loss=self._loss(), loss_weights=None if error_weight == 1 else [error_weight]
        )
        # otherwise Keras warns when it loads a file that was saved before any training
        network.optimizer.build(network.trainable_variables)
        by_hand = self.settings.resample, self.settings.redirect, self.settings.order
        self.left_out += [part.text for part in by_hand if part is not None]

    def _loss(self) -> Any:
        module = self.module
        if not self.unscales:
            return {"squared_error": "mean_squared_error", "cross_entropy": "binary_crossentropy"}[self.error.name]
        whitening = self.model.target_whitening if self.layout.whitened else None
        shift, scale = (numbers.tolist() for numbers in (module.target_shift, module.target_scale))
        return self.ours.ScaledError(self.error.name, shift, scale, None if whitening is None else whitening.tolist())

    def _optimiser(self) -> Any:
        settings, solver = self.settings, self.settings.solver
        rate = settings.learning_rate
        options: dict[str, Any] = {
            "learning_rate": rate if isinstance(rate, float) else PARTIAL_FIT_LEARNING_RATE,
            "global_clipnorm": solver.clip,
        }
        room = self.keras.optimizers
        if settings.weight_decay:
            room, options = self.ours, options | {"weight_decay": settings.weight_decay}
        if isinstance(solver, SGD):
            return room.SGD(momentum=solver.momentum, nesterov=solver.nesterov, **options)
        if not isinstance(solver, Adam):
            self.left_out.append(f"the solver {solver.text} (but with Adam)")
            return room.Adam(**options)
        kind = room.Nadam if isinstance(solver, Nadam) else room.Adam
        return kind(beta_1=solver.beta_1, beta_2=solver.beta_2, epsilon=solver.epsilon, **options)


def _amount(amount: Amount) -> float:
    """Return an amount of noise as a number."""
    if isinstance(amount, Uniform):
        raise RecipeError(f"{amount.text} is drawn for each row, which no Keras layer does; give the noise a number")
    return final(amount)


def _activation(recipe: Elementwise) -> str:
    if recipe.name not in ACTIVATIONS:
        raise RecipeError(f"the activation {recipe.name} has no name in Keras; use one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[recipe.name]


def _takes_norms(term: Term) -> bool:
    """Return whether a penalty multiplies codes by the norms of the dictionary's rows."""
    return isinstance(term, TanhPenalty) or (isinstance(term, L1) and term.scaled)


def _numpy(numbers: Tensor) -> Any:
    return numbers.detach().cpu().numpy().astype(np.float32)
