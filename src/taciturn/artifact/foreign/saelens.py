"""Dictionaries in the format of SAELens: cfg.json and sae_weights.safetensors."""

import warnings
from pathlib import Path
from typing import Any

from torch import Tensor

from ...core.errors import ArtifactError, RecipeError, TaciturnWarning
from ...core.messages import one_line
from ...model.coding_layers import ElementwiseForm, Form, GateForm, ThresholdForm, TopForm
from .dictionary import RELU, Dictionary, centred, with_unit_norm
from .files import Tensors, read_json, required_k, whole, write_json, write_tensors

CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
VERSION = "6.54.12"  # whose format this is
ARCHITECTURES = ("standard", "topk", "abstopk", "jumprelu", "gated", "batchtopk", "matryoshka_batchtopk")
# those of transcoders, and the ones that select their codes in the same way
TRANSCODERS = {
    "transcoder": "standard",
    "skip_transcoder": "standard",
    "jumprelu_transcoder": "jumprelu",
    "jumprelu_skip_transcoder": "jumprelu",
}
NORMALISATIONS = {"none": "none", "layer_norm": "layer_norm", "constant_norm_rescale": "layer_norm:centre=false"}


def read(path: Path) -> Dictionary:
    """Return the dictionary of a folder that SAELens wrote.

    Parameters
    ----------
    path : Path
        The folder. Weights of inference and of training, of version 3 and later.

    Returns
    -------
    Dictionary

    Raises
    ------
    ArtifactError
        A file is missing or damaged, or a part cannot be expressed; the message has its name.

    Warns
    -----
    TaciturnWarning
        The rows have to be multiplied by a factor that the folder does not hold.
    """
    file, cfg = path / CONFIG, read_json(path / CONFIG)
    kwargs = cfg.get("activation_fn_kwargs") or {}
    activation = cfg.get("activation_fn") or cfg.get("activation_fn_str") or "relu"
    architecture = cfg.get("architecture", "standard")
    if architecture == "standard" and activation == "topk":  # before version 6
        architecture, cfg["k"] = "topk", kwargs.get("k") if isinstance(kwargs, dict) else None
    transcodes = isinstance(architecture, str) and architecture in TRANSCODERS
    skips = transcodes and "skip" in architecture
    architecture = TRANSCODERS[architecture] if transcodes else architecture
    if architecture == "temporal":
        raise ArtifactError(
            f"{one_line(file)}: 'temporal' cannot be read: it estimates a row from the rows before it as well, and a "
            "dictionary is of single rows (so 'constant_scalar_rescale', which SAELens has for 'temporal' alone)"
        )
    if architecture not in ARCHITECTURES or activation not in ("relu", "topk"):
        name = architecture if architecture not in ARCHITECTURES else activation
        raise ArtifactError(
            f"{one_line(file)}: {one_line(repr(name))} cannot be read; "
            f"known: {', '.join((*ARCHITECTURES, *TRANSCODERS))}"
        )
    scaling = _scaling(file, cfg)
    tensors = Tensors(path / WEIGHTS)
    encoder, decoder, bias = tensors.matrix("W_enc").T, tensors.matrix("W_dec"), tensors.take("b_dec")
    encoder_bias = tensors.take("b_gate" if architecture == "gated" else "b_enc")
    if architecture == "gated":
        tensors.skip("b_enc")
    details = (cfg.get("metadata") or {}).get("training_architecture_details") or {}
    k = whole(cfg.get("k", details.get("k")))
    form = _form(architecture, tensors, cfg, file, len(encoder))
    skip = tensors.matrix("W_skip") if skips else None
    tensors.check_all_taken()
    if transcodes and (encoder.shape[1], decoder.shape[1]) != (whole(cfg.get("d_in")), whole(cfg.get("d_out"))):
        raise ArtifactError(f"{one_line(file)}: d_in, d_out are not those of the weights; the file is damaged")
    if not transcodes and decoder.shape != (whole(cfg.get("d_sae")), whole(cfg.get("d_in"))):
        raise ArtifactError(
            f"{one_line(file)}: d_sae, d_in are not those of W_dec, {list(decoder.shape)}; the file is damaged"
        )
    batch = isinstance(form, ThresholdForm) and k is not None and bool((form.threshold == form.threshold[0]).all())
    widths = details.get("matryoshka_widths") or cfg.get("matryoshka_widths")
    known: dict[str, Any] = {"k": k, "batch_threshold": batch, "matryoshka": _nested(widths, len(decoder))}
    known |= {"transcodes": transcodes, "skip": skip, "scaling": scaling}
    subtracts = cfg.get("apply_b_dec_to_input", True) is True
    dictionary = centred(encoder, encoder_bias, decoder, bias, form, subtracts=subtracts, **known)
    if cfg.get("rescale_acts_by_decoder_norm") and "topk" in architecture:  # selects codes of directions of norm 1
        return with_unit_norm(dictionary, form)
    return dictionary


def _scaling(file: Path, cfg: dict[str, Any]) -> str:
    """Return the scaling that a configuration describes; raise ArtifactError if it is unknown."""
    if cfg.get("finetuning_scaling_factor"):
        raise ArtifactError(f"{one_line(file)}: finetuning_scaling_factor cannot be read; fold it into W_dec first")
    normalisation = cfg.get("normalize_activations", "none")
    if isinstance(normalisation, str) and normalisation in NORMALISATIONS:
        return NORMALISATIONS[normalisation]
    if normalisation in ("expected_average_only_in", True):
        warnings.warn(
            f"{one_line(file)}: rows have to be multiplied by the factor of 'expected_average_only_in', which the "
            "folder does not hold: √columns / the mean norm of rows",
            TaciturnWarning,
            stacklevel=6,
        )
    elif normalisation not in (None, False):
        raise ArtifactError(f"{one_line(file)}: normalize_activations={one_line(repr(normalisation))} cannot be read")
    return "none"


def _form(architecture: str, tensors: Tensors, cfg: dict[str, Any], file: Path, n_latents: int) -> Form:
    match architecture:
        case "standard":
            return RELU
        case "topk" | "abstopk":
            return TopForm(required_k(cfg, file), signed=architecture == "abstopk")
        case "jumprelu":
            if "log_threshold" in tensors:
                return ThresholdForm(tensors.take("log_threshold").float().exp())
            return ThresholdForm(tensors.thresholds("threshold"))
        case "gated":
            return GateForm(tensors.take("r_mag").float().exp(), tensors.take("b_mag").float())
    return ThresholdForm(tensors.thresholds("topk_threshold").expand(n_latents))


def _nested(widths: object, n_latents: int) -> tuple[int, ...] | None:
    """Return the sizes of nested dictionaries below the whole one, as DictionaryAutoencoder takes them."""
    sizes = [whole(width) for width in widths] if isinstance(widths, list) else []
    return tuple(size for size in sizes if size is not None and size < n_latents) or None


def write(dictionary: Dictionary, folder: Path) -> None:
    """Write a dictionary into an existing folder, as SAELens 6 reads it.

    Parameters
    ----------
    dictionary : Dictionary
        The dictionary.
    folder : Path
        An existing folder.

    Raises
    ------
    RecipeError
        SAELens does not have the coding layer.
    """
    n_latents, n_inputs = dictionary.encoder.shape
    tensors: dict[str, Tensor] = {"W_enc": dictionary.encoder.T, "W_dec": dictionary.decoder, "b_dec": dictionary.bias}
    cfg: dict[str, Any] = {
        "d_in": n_inputs,
        "d_sae": n_latents,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": not dictionary.transcodes,
        "normalize_activations": next(name for name, text in NORMALISATIONS.items() if text == dictionary.scaling),
        "reshape_activations": "none",
        "metadata": {"sae_lens_version": VERSION},
    }
    match form := dictionary.form:
        case TopForm():
            cfg |= {"architecture": "abstopk" if form.signed else "topk", "k": form.k}
            cfg["rescale_acts_by_decoder_norm"] = False
        case ThresholdForm():
            cfg["architecture"] = "jumprelu"
            tensors["threshold"] = form.threshold
        case GateForm():
            cfg["architecture"] = "gated"
            tensors |= {"b_gate": dictionary.encoder_bias, "r_mag": form.scale.log(), "b_mag": form.bias}
        case ElementwiseForm(activation="relu"):
            cfg["architecture"] = "standard"
        case _:
            raise RecipeError("SAELens has no such coding layer; it has ReLU, TopK, BatchTopK, JumpReLU and Gated")
    if not isinstance(form, GateForm):
        tensors["b_enc"] = dictionary.encoder_bias
    if dictionary.transcodes:
        _as_transcoder(cfg, tensors, dictionary)
    if dictionary.k is not None:
        cfg["metadata"]["training_architecture_details"] = {"k": dictionary.k}
    write_tensors(tensors, folder / WEIGHTS)
    write_json(cfg, folder / CONFIG)


def _as_transcoder(cfg: dict[str, Any], tensors: dict[str, Tensor], dictionary: Dictionary) -> None:
    """Turn what is written of a dictionary into what is written of a transcoder."""
    kinds = {"standard": "transcoder", "jumprelu": "jumprelu_transcoder"}
    if cfg["architecture"] not in kinds:
        raise RecipeError("SAELens's transcoders have ReLU and JumpReLU (and so BatchTopK), but not this coding layer")
    cfg |= {"architecture": kinds[cfg["architecture"]], "d_out": dictionary.decoder.shape[1]}
    if dictionary.skip is not None:
        cfg["architecture"] = cfg["architecture"].replace("transcoder", "skip_transcoder")
        tensors["W_skip"] = dictionary.skip
