"""Dictionaries in the layout of Gemma Scope 2: config.json and params.safetensors with names in lower case."""

from pathlib import Path

from ...core.errors import ArtifactError
from ...core.messages import one_line
from ...model.coding_layers import ThresholdForm
from .dictionary import Dictionary, centred
from .files import Tensors, read_json

CONFIG, WEIGHTS = "config.json", "params.safetensors"


def read(path: Path) -> Dictionary:
    """Return the dictionary of a folder of Gemma Scope 2.

    Parameters
    ----------
    path : Path
        The folder.

    Returns
    -------
    Dictionary
        With JumpReLU; nothing is subtracted from rows. A transcoder, with or without an affine skip connection, if the
        configuration names one.

    Raises
    ------
    ArtifactError
        A file is missing or damaged.
    """
    file, config = path / CONFIG, read_json(path / CONFIG)
    if (architecture := config.get("architecture")) != "jump_relu":
        raise ArtifactError(
            f"{one_line(file)}: architecture={one_line(repr(architecture))} cannot be read; only jump_relu can"
        )
    tensors = Tensors(path / WEIGHTS)
    affine = "affine_skip_connection" in tensors or bool(config.get("affine_connection"))
    skip = tensors.matrix("affine_skip_connection").T if affine else None
    form = ThresholdForm(tensors.thresholds("threshold"))
    encoder, encoder_bias = tensors.matrix("w_enc").T, tensors.take("b_enc")
    decoder, bias = tensors.matrix("w_dec"), tensors.take("b_dec")
    tensors.check_all_taken()
    transcodes = affine or config.get("hf_hook_point_out") not in (None, config.get("hf_hook_point_in"))
    return centred(encoder, encoder_bias, decoder, bias, form, subtracts=False, transcodes=transcodes, skip=skip)
