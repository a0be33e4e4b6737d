"""Dictionaries in the format of sentence-transformers' SparseAutoEncoder: config.json and model.safetensors."""

from pathlib import Path

import torch

from ...core.errors import ArtifactError, RecipeError
from ...core.messages import one_line
from ...model.coding_layers import TopForm
from .dictionary import Dictionary, centred
from .files import Tensors, read_json, required_k, write_json, write_tensors

CONFIG, WEIGHTS = "config.json", "model.safetensors"
TIED_TOLERANCE = 1e-6


def recognises(path: Path) -> bool:
    """Return whether a folder with these files is that of a SparseAutoEncoder, one module of a SparseEncoder."""
    try:
        return {"input_dim", "hidden_dim", "k_aux"} <= read_json(path / CONFIG).keys()
    except ArtifactError:
        return False


def read(path: Path) -> Dictionary:
    """Return the dictionary of a folder that sentence-transformers wrote.

    Parameters
    ----------
    path : Path
        The folder of the module.

    Returns
    -------
    Dictionary
        With TopK; the decoder is the encoder's transpose.

    Raises
    ------
    ArtifactError
        A file is missing or damaged, or a part cannot be expressed; the message has its name.
    """
    file, config = path / CONFIG, read_json(path / CONFIG)
    if config.get("normalize"):
        raise ArtifactError(f"{one_line(file)}: normalize=true cannot be read; only false can")
    k = required_k(config, file)
    tensors = Tensors(path / WEIGHTS)
    weight = tensors.matrix("encoder.weight" if "encoder.weight" in tensors else "decoder.linear.weight")
    tensors.skip("decoder.linear.weight", "stats_last_nonzero")
    encoder_bias, bias = tensors.take("latent_bias"), tensors.take("pre_bias")
    tensors.check_all_taken()
    return centred(weight, encoder_bias, weight, bias, TopForm(k, signed=False), subtracts=True, k=k)


def write(dictionary: Dictionary, folder: Path) -> None:
    """Write a dictionary into an existing folder, as sentence-transformers reads it.

    Parameters
    ----------
    dictionary : Dictionary
        With TopK, and with a decoder that is a multiple of the encoder's transpose; codes get another unit where it is
        not 1.
    folder : Path
        An existing folder.

    Raises
    ------
    RecipeError
        The format does not have the coding layer, or the decoder has weights of its own.
    """
    form = dictionary.form
    if not isinstance(form, TopForm) or form.signed:
        raise RecipeError("sentence-transformers has only TopK of positive codes; convert to saelens")
    encoder, decoder = dictionary.encoder, dictionary.decoder
    ratio = float((encoder * decoder).sum() / decoder.square().sum())
    if ratio <= 0 or float((encoder - ratio * decoder).abs().max()) > TIED_TOLERANCE * float(encoder.abs().max()):
        raise RecipeError(
            "sentence-transformers requires a decoder that is the encoder's transpose; train with tied=True and "
            "scaling='none' or 'mean_norm', or convert to saelens"
        )
    size = ratio**-0.5  # of codes, so that one matrix serves for both
    n_latents, n_columns = dictionary.decoder.shape
    config = {"input_dim": n_columns, "hidden_dim": n_latents, "k": form.k, "k_aux": min(512, n_latents)}
    config |= {"normalize": False, "dead_threshold": 30}
    tensors = {
        "encoder.weight": encoder * size,
        "latent_bias": dictionary.encoder_bias * size,
        "pre_bias": dictionary.bias,
        "stats_last_nonzero": torch.zeros(n_latents, dtype=torch.long),
    }
    write_tensors(tensors, folder / WEIGHTS)
    write_json(config, folder / CONFIG)
