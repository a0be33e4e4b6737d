"""A Keras network of dense layers, read as the numbers and the recipe of one of this library's models."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..core.errors import DataError, RecipeError
from ..core.messages import one_line
from ..model import Autoencoder
from .keras_chain import WHAT_CAN, Chain, DenseLayer, Vector, array, refuse
from .to_keras import ACTIVATIONS, import_keras

if TYPE_CHECKING:
    import keras

NAMES = {theirs: ours for ours, theirs in ACTIVATIONS.items()}
CHECK_ROWS = 16  # rows on which both networks must agree
MAX_DEVIATION = 1e-3  # of their outputs, relative to the outputs' size


@dataclass(frozen=True)
class KerasNetwork:
    """A Keras network as a model: its numbers, and an estimator's parameters.

    Parameters
    ----------
    width : int
        D, the number of columns.
    tensors : dict of str to Tensor
        The numbers by the names of `Autoencoder.state_dict`, scaling included.
    parameters : dict of str to object
        The parameters of an estimator, by name; only those that the network decides.
    sparse, dictionary : bool
        Whether it has a coding layer or a penalty of its own; whether only a `DictionaryAutoencoder` can express it.
    """

    width: int
    tensors: dict[str, Tensor]
    parameters: dict[str, Any]
    sparse: bool
    dictionary: bool


def read_keras(path: str | os.PathLike[str]) -> "keras.Model":
    """Return the network of a .keras file, loaded in safe mode: no code from the file is run.

    Parameters
    ----------
    path : str or path-like
        The file.

    Raises
    ------
    DataError
        The file is not there, or Keras cannot read it in safe mode.
    TaciturnError
        Keras or its backend is not installed.
    """
    keras = import_keras("from_keras")
    from . import keras_layers  # noqa: F401  registers the layers

    if not os.path.isfile(path):
        raise DataError(f"{one_line(path)} is not a file; give the path of a .keras file, or a Keras network")
    try:
        return keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # Keras raises errors of many classes
        raise DataError(
            f"{one_line(path)} cannot be read by Keras: {one_line(error)[:300]}; save the network with "
            "network.save('name.keras')"
        ) from error


def from_keras(network: "keras.Model") -> KerasNetwork:
    """Return a Keras network's numbers, and the parameters of an estimator that describe it.

    Parameters
    ----------
    network : keras.Model
        Sequential or functional, also one inside another; built.

    Returns
    -------
    KerasNetwork

    Raises
    ------
    RecipeError
        A layer cannot be expressed; the message has its name and what could be done.
    TaciturnError
        Keras or its backend is not installed.
    """
    keras = import_keras("from_keras")
    if not isinstance(network, keras.Model):
        raise RecipeError(
            f"from_keras takes a Keras network or the path of a .keras file, not a {type(network).__name__}"
        )
    return _Reader(keras, network).read()


def check_same(network: "keras.Model", model: Autoencoder) -> None:
    """Check on some rows that a model computes what the network does.

    Parameters
    ----------
    network : keras.Model
        The network.
    model : Autoencoder
        The model that was made of it.

    Raises
    ------
    RecipeError
        The outputs differ: the network's layers do not follow each other in the order of `network.layers`.
    """
    noise = torch.randn(CHECK_ROWS, len(model.shift), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = model.unscale_inputs(noise).float()
    theirs = np.asarray(network.predict(rows.numpy(), verbose=0), dtype=np.float64)
    with torch.no_grad():
        ours = model(rows).double().numpy()
    shift, scale = model.target_shift.numpy(), model.target_scale.numpy()
    # float32 leaves a column far from 0 this much of its digits
    size = np.abs((ours - shift) / scale).max() + np.abs(shift / scale).max()
    if ours.shape != theirs.shape or not np.abs((ours - theirs) / scale).max() <= MAX_DEVIATION * size:
        raise RecipeError(
            f"the network {network.name!r} computes something else than its layers one after another; {WHAT_CAN}"
        )


class _Reader(Chain):
    """Puts together what the layers hold."""

    def __init__(self, keras: Any, network: Any) -> None:
        super().__init__(keras, network)
        self.network = network

    def read(self) -> KerasNetwork:
        network, width = self.network, self.width
        tied = bool(self.biases) and len(self.biases) == len(self.denses)
        encoder, decoder = self._sides(network, tied)
        tensors = self._tensors(encoder, decoder, tied) | self._scaling(width)
        hidden, coding, output = self._activations(encoder, decoder, tied)
        centred = any(bias.centres for bias in self.biases)
        parameters: dict[str, Any] = {
            "corruption": "+".join(self.noises) or None,
            "sparsity": self._sparsity_text(),
        }
        widths = tuple(int(dense.layer.units) for dense in encoder)
        dictionary = centred or bool(self.refinements) or self._constraint(decoder) != "free"
        if dictionary:
            if len(widths) > 1 or tied or output != "identity" or (self.coder is None and coding != "relu"):
                raise RecipeError(
                    f"the network {network.name!r} subtracts the decoder's bias, refines its codes or constrains its "
                    "kernel, which only one layer with ReLU or sparse codes, a linear output and untied weights can do"
                )
            parameters |= {
                "n_components": widths[0],
                "refine": len(self.refinements),
                "constraint": self._constraint(decoder),
                "revive": None,
                "k": min(round(getattr(self.coder, "k", 32)) or 1, widths[0]),
                "sparsity": parameters["sparsity"] or "none",
            }
        else:
            parameters |= {
                "n_components": widths[0] if len(widths) == 1 else widths,
                "activation": (hidden, coding),
                "output_activation": output,
                "tied": tied,
            }
        return KerasNetwork(
            width, tensors, parameters | self._training(network, output), bool(parameters["sparsity"]), dictionary
        )

    def _sides(self, network: Any, tied: bool) -> tuple[list[DenseLayer], list[DenseLayer]]:
        n = len(self.denses)
        if tied:
            return self.denses, []
        if n == 0 or n % 2:
            count = "no dense layer" if n == 0 else f"{n} dense layers"
            names = ", ".join(repr(dense.layer.name) for dense in self.denses)
            raise RecipeError(
                f"the network {network.name!r} has {count}{f' ({names})' if n else ''}; it must have as many in the "
                "decoder as in the encoder"
            )
        encoder, decoder = self.denses[: n // 2], self.denses[n // 2 :]
        for ours, theirs in zip(reversed(encoder), decoder, strict=True):
            if ours.layer.kernel.shape != theirs.layer.kernel.shape[::-1]:
                refuse(
                    theirs.layer,
                    f"maps {theirs.layer.kernel.shape[0]} to {theirs.layer.kernel.shape[1]} values and does not mirror "
                    f"{ours.layer.name!r} ({ours.layer.kernel.shape[0]} to {ours.layer.kernel.shape[1]})",
                    "give the decoder the encoder's widths in reverse",
                )
        if self.coder is not None and self.coder_after != n // 2:
            refuse(self.coder, "does not stand in the middle", "put it behind the encoder's last dense layer")
        return encoder, decoder

    def _activations(self, encoder: list[DenseLayer], decoder: list[DenseLayer], tied: bool) -> tuple[str, str, str]:
        """Return the names of the hidden activation, of the coding layer's and of the output's."""
        behind = [(bias.name, [(bias.name, bias.activation)]) for bias in self.biases] if tied else []
        sides = [[(dense.layer.name, dense.activations) for dense in side] for side in (encoder, decoder)]
        if self.biases and not tied:
            sides[1][-1][1].append((self.biases[-1].name, self.biases[-1].activation))
        *hidden, (coding_name, coding) = sides[0]
        *hidden_back, (_, output) = sides[1] or behind
        names = [_ours(name, activations) for name, activations in hidden + hidden_back]
        for (layer, _), name in zip(hidden + hidden_back, names, strict=True):
            if name != names[0]:
                raise RecipeError(
                    f"layer {layer!r} has the activation {name}, another hidden layer {names[0]}; all hidden layers "
                    "must have the same one"
                )
        code = _ours(coding_name, coding)
        if self.coder is not None and code != "identity":
            refuse(self.coder, f"follows the activation {code}", "leave that activation out")
        return (names[0] if names else "relu"), code, _ours("", output)

    def _tensors(self, encoder: list[DenseLayer], decoder: list[DenseLayer], tied: bool) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        gated = type(self.coder) is self.ours.Gated
        for i, dense in enumerate(encoder):
            kernel = array(dense.layer.kernel)
            own = self.coder.gate_bias if gated and i + 1 == len(encoder) else _bias(dense.layer)
            tensors[f"encoder.{i}.weight"] = _tensor(kernel.T)
            tensors[f"encoder.{i}.bias"] = _tensor(np.zeros(kernel.shape[1]) if own is None else array(own))
        mirrored = encoder[::-1] if tied else decoder
        for i, dense in enumerate(mirrored):
            kernel = array(dense.layer.kernel)
            tensors[f"decoder.{i}.weight"] = _tensor(kernel.T if tied else kernel)
            shared = self.biases[i] if tied else self.biases[0] if self.biases and i + 1 == len(mirrored) else None
            own = shared.bias if shared is not None else _bias(dense.layer)
            width = tensors[f"decoder.{i}.weight"].shape[1]
            tensors[f"decoder.{i}.bias"] = _tensor(np.zeros(width) if own is None else array(own))
        for i, refine in enumerate(self.refinements):
            tensors[f"refinements.{i}"] = _tensor(array(refine.eta))
        return tensors | self._coder_tensors()

    def _coder_tensors(self) -> dict[str, Tensor]:
        ours, coder = self.ours, self.coder
        if type(coder) is ours.JumpReLU:
            spread = torch.tensor(coder.spread, dtype=torch.float32)
            return {"coder.value": _tensor(array(coder.threshold)), "coder.spread": spread}
        if type(coder) is ours.BatchTopK:
            batches = torch.tensor(int(array(coder.batches)))
            return {"coder.value": _tensor(array(coder.threshold)), "coder.batches": batches}
        if type(coder) is ours.Gated:
            return {
                "coder.log_scale": _tensor(array(coder.log_scale)),
                "coder.bias": _tensor(array(coder.magnitude_bias)),
            }
        return {}

    def _scaling(self, width: int) -> dict[str, Tensor]:
        front, back = self.front, self.back
        tensors = {
            "shift": np.broadcast_to(front.shift, (width,)),
            "scale": np.broadcast_to(front.scale, (width,)),
            "target_shift": np.broadcast_to(back.shift, (width,)),
            "target_scale": np.broadcast_to(back.scale, (width,)),
        }
        if back.unit is not None:
            tensors["unit"] = back.unit
        if (mean := back.mean if front.mean is None else front.mean) is not None:
            tensors["mean"] = mean
        if front.matrix is not None or back.matrix is not None:
            whitening, colouring = (np.eye(width) if m is None else m for m in (front.matrix, back.matrix))
            tensors |= {"whitening": whitening, "colouring": np.linalg.inv(whitening)}
            tensors |= {"target_whitening": np.linalg.inv(colouring), "target_colouring": colouring}
        return {name: torch.tensor(np.array(array, np.float64)) for name, array in tensors.items()}

    def _sparsity_text(self) -> str | None:
        ours, coder = self.ours, self.coder
        kind = type(coder)
        texts: list[str] = []
        if kind is ours.TopK:
            texts.append(f"topk:{coder.k}" + (",signed=true" if coder.signed else ""))
        elif kind is ours.BatchTopK:
            texts.append(f"batch_topk:{coder.k}")
        elif kind is ours.JumpReLU:
            texts.append(f"jumprelu:bandwidth={coder.bandwidth}")
        elif kind is ours.Gated:
            texts.append("gated")
        return "+".join(texts + self.penalties) or None

    def _constraint(self, decoder: list[DenseLayer]) -> str:
        """Return the constraint on the dictionary; refuse any other constraint."""
        found = "free"
        for dense in self.denses:
            raw = getattr(dense.layer, "kernel_constraint", getattr(dense.layer, "constraint", None))
            constraint = self.keras.constraints.get(raw)
            if constraint is None:
                continue
            config = constraint.get_config()
            kind = type(constraint).__name__
            name = {"UnitNorm": "unit_norm", "MaxNorm": "bounded"}.get(kind)
            on_rows = config.get("axis") in (1, [1]) and config.get("max_value", 1) == 1
            if not (decoder and dense is decoder[0] and name and on_rows):
                refuse(
                    dense.layer,
                    f"has the kernel constraint {kind}",
                    "set it to None; only UnitNorm(axis=1) or MaxNorm(1, axis=1) on the decoder's first layer is known",
                )
            found = str(name)
        return found

    def _training(self, network: Any, output: str) -> dict[str, Any]:
        """Return the parameters that the compiled optimiser and loss decide."""
        parameters: dict[str, Any] = {"alpha": 0.0}
        optimiser = getattr(network, "optimizer", None)
        options = {} if optimiser is None else optimiser.get_config()
        name = {"Adam": "tensorflow_adam", "AdamW": "tensorflow_adam", "Nadam": "nadam", "SGD": "sgd"}.get(
            type(optimiser).__name__
        )
        if name is not None and not options.get("amsgrad"):
            known = ("momentum", "nesterov") if name == "sgd" else ("beta_1", "beta_2", "epsilon")
            values = {key: options[key] for key in known} | {"clip": options.get("global_clipnorm")}
            text = ",".join(f"{key}={str(value).lower()}" for key, value in values.items() if value is not None)
            parameters["solver"] = f"{name}:{text}"
            parameters["alpha"] = float(options.get("weight_decay") or 0.0)
            if isinstance(options.get("learning_rate"), float):
                parameters["learning_rate"] = float(str(np.float32(options["learning_rate"])))  # not 0.00100000005
        loss = getattr(network, "loss", None)
        error = getattr(loss, "error", None) or getattr(loss, "name", None) or getattr(loss, "__name__", loss)
        if error in ("cross_entropy", "binary_crossentropy") and output == "sigmoid":
            parameters["loss"] = "cross_entropy"
        return parameters


def _ours(layer: str, activations: list[tuple[str, str]]) -> str:
    """Return this library's name of the activation of one layer."""
    known = [(where, name) for where, name in activations if name != "linear"]
    for where, name in known:
        if name not in NAMES:
            raise RecipeError(f"layer {where!r} has the activation {name!r}; use one of {', '.join(NAMES)}")
    if len(known) > 1:
        raise RecipeError(f"layer {known[1][0]!r} is a second activation after {known[0][0]!r}; keep one")
    return NAMES[known[0][1]] if known else "identity"


def _bias(layer: Any) -> Any:
    return layer.bias if layer.use_bias else None


def _tensor(array: Vector) -> Tensor:
    return torch.tensor(np.ascontiguousarray(array), dtype=torch.float32)
