"""Dictionaries in the layout of Qwen-Scope: one file layerN.sae.pt per layer; k is part of the folder's name."""

import re
from pathlib import Path

from ...core.errors import ArtifactError
from ...core.messages import one_line
from ...model.coding_layers import TopForm
from .dictionary import Dictionary, centred
from .files import Tensors

ENDING = ".sae.pt"


def recognises(path: Path) -> bool:
    """Return whether a path is a file of Qwen-Scope."""
    return path.name.endswith(ENDING) and path.is_file()


def read(path: Path) -> Dictionary:
    """Return the dictionary of a file of Qwen-Scope.

    Parameters
    ----------
    path : Path
        A file such as SAE-Res-Qwen3-1.7B-Base-W32K-L0_50/layer0.sae.pt. Its folder's name tells k, here 50.

    Returns
    -------
    Dictionary
        With TopK; nothing is subtracted from rows.

    Raises
    ------
    ArtifactError
        The file is missing or damaged, or no folder's name tells k.
    """
    names = [re.search(r"L0_(\d+)", part) for part in reversed(path.resolve().parts)]
    k = next((int(name[1]) for name in names if name is not None), None)
    if k is None:
        raise ArtifactError(
            f"{one_line(path)}: the file does not hold k; name its folder as Qwen-Scope does, such as "
            "SAE-Res-Qwen3-1.7B-Base-W32K-L0_50"
        )
    tensors = Tensors(path)
    encoder, encoder_bias = tensors.matrix("W_enc"), tensors.take("b_enc")
    decoder, bias = tensors.matrix("W_dec").T, tensors.take("b_dec")
    tensors.check_all_taken()
    return centred(encoder, encoder_bias, decoder, bias, TopForm(k, signed=False), subtracts=False, k=k)
