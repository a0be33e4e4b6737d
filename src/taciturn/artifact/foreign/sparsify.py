"""Dictionaries in the format of EleutherAI's sparsify: cfg.json and sae.safetensors."""

from pathlib import Path

from ...core.errors import ArtifactError, RecipeError
from ...core.messages import one_line
from ...model.coding_layers import TopForm
from .dictionary import Dictionary, centred
from .files import Tensors, read_json, required_k, write_json, write_tensors

CONFIG, WEIGHTS = "cfg.json", "sae.safetensors"


def read(path: Path) -> Dictionary:
    """Return the dictionary of a folder that sparsify wrote for one hookpoint.

    Parameters
    ----------
    path : Path
        The folder.

    Returns
    -------
    Dictionary

    Raises
    ------
    ArtifactError
        A file is missing or damaged, or a part cannot be expressed; the message has its name.
    """
    file, cfg = path / CONFIG, read_json(path / CONFIG)
    if (activation := cfg.get("activation", "topk")) != "topk":
        raise ArtifactError(f"{one_line(file)}: activation={one_line(repr(activation))} cannot be read; only topk can")
    k = required_k(cfg, file)
    tensors = Tensors(path / WEIGHTS)
    encoder, encoder_bias = tensors.matrix("encoder.weight"), tensors.take("encoder.bias")
    decoder, bias = tensors.matrix("W_dec"), tensors.take("b_dec")
    skip = tensors.matrix("W_skip") if cfg.get("skip_connection") else None
    tensors.check_all_taken()
    form, transcodes = TopForm(k, signed=cfg.get("signed") is True), cfg.get("transcode") is True
    if skip is not None and not transcodes:
        raise ArtifactError(f"{one_line(file)}: skip_connection cannot be read without transcode")
    return centred(
        encoder, encoder_bias, decoder, bias, form, subtracts=not transcodes, k=k, transcodes=transcodes, skip=skip
    )


def write(dictionary: Dictionary, folder: Path) -> None:
    """Write a dictionary into an existing folder, as sparsify reads it.

    Parameters
    ----------
    dictionary : Dictionary
        With TopK.
    folder : Path
        An existing folder.

    Raises
    ------
    RecipeError
        sparsify does not have the coding layer, or targets have another width than rows.
    """
    form = dictionary.form
    if not isinstance(form, TopForm) or form.signed:
        raise RecipeError("sparsify has only TopK of positive codes; convert to saelens or dictionary_learning")
    n_latents, n_columns = dictionary.decoder.shape
    if dictionary.encoder.shape[1] != n_columns:
        raise RecipeError(
            f"sparsify requires targets of the rows' width, {dictionary.encoder.shape[1]}, but they have {n_columns}"
        )
    cfg = {
        "activation": "topk",
        "expansion_factor": max(n_latents // n_columns, 1),
        "normalize_decoder": dictionary.has_unit_norm,
        "num_latents": n_latents,
        "k": form.k,
        "multi_topk": False,
        "skip_connection": dictionary.skip is not None,
        "transcode": dictionary.transcodes,
        "d_in": n_columns,
    }
    tensors = {
        "encoder.weight": dictionary.encoder,
        "encoder.bias": dictionary.encoder_bias,
        "W_dec": dictionary.decoder,
        "b_dec": dictionary.bias,
    }
    if dictionary.skip is not None:
        tensors["W_skip"] = dictionary.skip
    write_tensors(tensors, folder / WEIGHTS)
    write_json(cfg, folder / CONFIG)
