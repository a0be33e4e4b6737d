"""Dictionaries in the format of dictionary_learning: config.json and ae.pt, a state dict."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...core.errors import ArtifactError, RecipeError
from ...core.messages import one_line
from ...model.coding_layers import ElementwiseForm, GateForm, ThresholdForm, TopForm
from .dictionary import RELU, Dictionary, centred, with_unit_norm
from .files import Tensors, read_json, required_k, whole, write_json

CONFIG, WEIGHTS = "config.json", "ae.pt"
CLASSES = (
    "AutoEncoder",
    "AutoEncoderNew",
    "AutoEncoderTopK",
    "BatchTopKSAE",
    "GatedAutoEncoder",
    "JumpReluAutoEncoder",
    "MatryoshkaBatchTopKSAE",
)


def read(path: Path) -> Dictionary:
    """Return the dictionary of a folder that dictionary_learning wrote.

    Parameters
    ----------
    path : Path
        The folder. Its .pt file is read as tensors alone: no code of it is run.

    Returns
    -------
    Dictionary
        Codes are those of the class's `encode`, with directions of the norm that the file has.

    Raises
    ------
    ArtifactError
        A file is missing or damaged, or the class is unknown; the message has its name.
    """
    file, config = path / CONFIG, read_json(path / CONFIG)
    trainer = config.get("trainer")
    kind = trainer.get("dict_class") if isinstance(trainer, dict) else None
    if not isinstance(trainer, dict) or kind not in CLASSES:
        raise ArtifactError(
            f"{one_line(file)}: dict_class={one_line(repr(kind))} cannot be read; known: {', '.join(CLASSES)}"
        )
    tensors = Tensors(path / WEIGHTS)
    selects_k = kind in ("AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE")
    k = required_k(trainer, file) if selects_k else whole(trainer.get("k"))
    known: dict[str, Any] = {"k": k, "subtracts": kind not in ("AutoEncoderNew", "JumpReluAutoEncoder")}
    linear = "encoder.weight" in tensors
    encoder = tensors.matrix("encoder.weight") if linear else tensors.matrix("W_enc").T
    decoder = tensors.matrix("decoder.weight").T if linear else tensors.matrix("W_dec")
    match kind:
        case "AutoEncoder" | "AutoEncoderNew":
            bias, encoder_bias = (
                tensors.take("bias" if kind == "AutoEncoder" else "decoder.bias"),
                tensors.take("encoder.bias"),
            )
            form: Any = RELU
        case "GatedAutoEncoder":
            bias, encoder_bias = tensors.take("decoder_bias"), tensors.take("gate_bias")
            form = GateForm(tensors.take("r_mag").float().exp(), tensors.take("mag_bias").float())
        case "JumpReluAutoEncoder":
            bias, encoder_bias = tensors.take("b_dec"), tensors.take("b_enc")
            form = ThresholdForm(tensors.thresholds("threshold"))
        case _:
            bias, encoder_bias = tensors.take("b_dec"), tensors.take("encoder.bias" if linear else "b_enc")
            threshold = tensors.thresholds("threshold")
            if kind == "AutoEncoderTopK":
                form = TopForm(k or 0, signed=False)
            else:
                known["batch_threshold"], form = True, ThresholdForm(threshold.reshape(-1)[:1].expand(len(encoder)))
            if kind == "MatryoshkaBatchTopKSAE":
                known["matryoshka"] = _nested(tensors.take("group_sizes"), len(encoder))
            tensors.skip("k")
    tensors.check_all_taken()
    return centred(encoder, encoder_bias, decoder, bias, form, **known)


def _nested(group_sizes: Tensor, n_latents: int) -> tuple[int, ...] | None:
    """Return the sizes of nested dictionaries below the whole one."""
    sizes = group_sizes.reshape(-1).long().cumsum(0).tolist()
    return tuple(size for size in sizes if 0 < size < n_latents) or None


def write(dictionary: Dictionary, folder: Path) -> None:
    """Write a dictionary into an existing folder, as dictionary_learning reads it.

    The library reads state dicts of torch.save alone, so this is one: of tensors, which weights_only=True reads.

    Parameters
    ----------
    dictionary : Dictionary
        The dictionary. Its directions get norm 1, which the library's own loader requires of ReLU dictionaries.
    folder : Path
        An existing folder.

    Raises
    ------
    RecipeError
        The library does not have the coding layer.
    """
    if not isinstance(dictionary.form, TopForm):
        dictionary = dictionary if dictionary.batch_threshold else with_unit_norm(dictionary)
    encoder, bias, k = dictionary.encoder, dictionary.bias, dictionary.k
    n_latents, n_columns = dictionary.decoder.shape
    linear = {"encoder.weight": encoder, "decoder.weight": dictionary.decoder.T}
    trainer: dict[str, Any] = {"activation_dim": n_columns, "dict_size": n_latents}
    match form := dictionary.form:
        case TopForm(signed=False):
            trainer |= {"dict_class": "AutoEncoderTopK", "k": form.k}
            tensors = linear | {"encoder.bias": dictionary.encoder_bias, "b_dec": bias}
            tensors |= {"k": torch.tensor(form.k, dtype=torch.int), "threshold": torch.tensor(-1.0)}
        case ThresholdForm() if dictionary.batch_threshold and k is not None:
            trainer |= {"dict_class": "BatchTopKSAE", "k": k}
            tensors = linear | {"encoder.bias": dictionary.encoder_bias, "b_dec": bias}
            tensors |= {"k": torch.tensor(k, dtype=torch.int), "threshold": form.threshold[0]}
        case ThresholdForm():
            trainer["dict_class"] = "JumpReluAutoEncoder"
            encoder_bias = dictionary.encoder_bias.double() - encoder.double() @ bias.double()  # it subtracts nothing
            tensors = {"W_enc": encoder.T, "b_enc": encoder_bias.float(), "W_dec": dictionary.decoder, "b_dec": bias}
            tensors["threshold"] = form.threshold
        case GateForm():
            trainer["dict_class"] = "GatedAutoEncoder"
            tensors = linear | {"decoder_bias": bias, "gate_bias": dictionary.encoder_bias}
            tensors |= {"r_mag": form.scale.log(), "mag_bias": form.bias}
        case ElementwiseForm(activation="relu"):
            trainer["dict_class"] = "AutoEncoder"
            tensors = linear | {"encoder.bias": dictionary.encoder_bias, "bias": bias}
        case _:
            raise RecipeError(
                "dictionary_learning has no such coding layer; it has ReLU, TopK of positive codes, BatchTopK, "
                "JumpReLU and Gated"
            )
    torch.save({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, folder / WEIGHTS)
    write_json({"trainer": trainer, "buffer": {}}, folder / CONFIG)
