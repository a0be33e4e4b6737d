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
    for name in ("transcode", "skip_connection"):
        if cfg.get(name):
            raise ArtifactError(f"{one_line(file)}: {name} cannot be read; only autoencoders can")
    if (activation := cfg.get("activation", "topk")) != "topk":
        raise ArtifactError(f"{one_line(file)}: activation={one_line(repr(activation))} cannot be read; only topk can")
    k = required_k(cfg, file)
    tensors = Tensors(path / WEIGHTS)
    encoder, encoder_bias = tensors.matrix("encoder.weight"), tensors.take("encoder.bias")
    decoder, bias = tensors.matrix("W_dec"), tensors.take("b_dec")
    tensors.check_all_taken()
    form = TopForm(k, signed=cfg.get("signed") is True)
    return centred(encoder, encoder_bias, decoder, bias, form, subtracts=True, k=k)


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
        sparsify does not have the coding layer.
    """
    form = dictionary.form
    if not isinstance(form, TopForm) or form.signed:
        raise RecipeError("sparsify has only TopK of positive codes; convert to saelens or dictionary_learning")
    n_latents, n_columns = dictionary.decoder.shape
    cfg = {
        "activation": "topk",
        "expansion_factor": max(n_latents // n_columns, 1),
        "normalize_decoder": dictionary.has_unit_norm,
        "num_latents": n_latents,
        "k": form.k,
        "multi_topk": False,
        "skip_connection": False,
        "transcode": False,
        "d_in": n_columns,
    }
    tensors = {
        "encoder.weight": dictionary.encoder,
        "encoder.bias": dictionary.encoder_bias,
        "W_dec": dictionary.decoder,
        "b_dec": dictionary.bias,
    }
    write_tensors(tensors, folder / WEIGHTS)
    write_json(cfg, folder / CONFIG)
