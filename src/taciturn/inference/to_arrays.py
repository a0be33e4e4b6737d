"""A model as plain arrays with plain names, in NumPy's .npz files and in MATLAB's .mat files."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..core.atomic import atomic
from ..core.errors import RecipeError
from ..core.messages import one_line
from ..core.version import __version__
from ..model import InferenceModule
from ..model.coding_layers import Form, GateForm, ThresholdForm, TopForm
from ..model.inference_module import SCALING
from ..training import Settings
from .array_programs import program

MAX_MAT_BYTES = 2**31 - 1  # of one array in a .mat file of version 5, the newest that MATLAB documents


def arrays(
    module: InferenceModule,
    settings: Settings,
    *,
    columns: Sequence[str] | None = None,
    encoding: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, NDArray[Any]]:
    """Return a model as arrays by plain names.

    Parameters
    ----------
    module : InferenceModule
        The model.
    settings : Settings
        The parts of the run.
    columns : sequence of str, optional
        The columns' names.
    encoding : sequence of dict, optional
        What each column of a table's encoded rows holds; see `Variables.encoding`.

    Returns
    -------
    dict of str to ndarray
        Numbers and texts; settings and columns are JSON. Weights are [in, out], so that rows stay rows:
        Z = S @ encoder_weight_1 + encoder_bias_1. The scaling is in float64, so that a column far from 0 keeps its
        digits. docs/arrays.md describes each name.

    Examples
    --------
    >>> from taciturn import SparseAutoencoder
    >>> model = SparseAutoencoder(4, sparsity="topk:2", max_iter=1, random_state=0).fit(np.eye(8)).to_artifact()
    >>> named = arrays(model.inference_module(), model.settings)
    >>> named["encoder_weight_1"].shape, named["decoder_weight_1"].shape, int(named["k"])
    ((8, 4), (4, 8), 2)
    """
    layout, (encoder, decoder) = module.layout, module.dense_layers
    if layout.outputs:
        raise RecipeError("a transcoder cannot be written as arrays; write an .onnx or a .pt2 file")
    named: dict[str, Any] = {
        "taciturn": __version__,
        "settings": json.dumps(settings.to_dict()),
        "coding_layer": layout.coder.name,
        "output_activation": layout.output.name,
        "centred": layout.centred,
    }
    if columns is not None:
        named["columns"] = json.dumps([str(name) for name in columns])  # as JSON: Octave would cut "größe"
    if encoding is not None:
        named["encoding"] = json.dumps(list(encoding))
    if len(encoder) > 1:
        named["hidden_activation"] = layout.hidden.name
    for name in SCALING:
        if (numbers := getattr(module, name)) is not None:
            named[name] = numbers
    for number, layer in enumerate(encoder, 1):
        named |= {f"encoder_weight_{number}": layer.weight.T, f"encoder_bias_{number}": layer.bias}
    for number, layer in enumerate(decoder, 1):
        if not layout.tied:
            named[f"decoder_weight_{number}"] = layer.weight
        named[f"decoder_bias_{number}"] = layer.bias
    named |= _coding_numbers(module.form)
    if len(module.refinements):
        named["refinement"] = [eta.item() for eta in module.refinements]
    return {
        name: value.cpu().numpy() if isinstance(value, Tensor) else np.array(value) for name, value in named.items()
    }


def _coding_numbers(form: Form) -> dict[str, Any]:
    """Return the numbers of a coding layer by name."""
    match form:
        case TopForm():
            return {"k": form.k, "signed": form.signed}
        case ThresholdForm():
            return {"threshold": form.threshold}
        case GateForm():
            return {"gate_scale": form.scale, "gate_bias": form.bias}
    return {}


def write_npz(
    module: InferenceModule,
    path: str | os.PathLike[str],
    *,
    settings: Settings,
    columns: Sequence[str] | None = None,
    encoding: Sequence[Mapping[str, Any]] | None = None,
    overwrite: bool = False,
) -> str:
    """Write a model's arrays as an .npz file without pickle, and return the program that uses them.

    Parameters
    ----------
    module : InferenceModule
        The model.
    path : str or path-like
        The file, which ends in .npz.
    settings : Settings
        The parts of the run.
    columns : sequence of str, optional
        The columns' names.
    encoding : sequence of dict, optional
        What each column of a table's encoded rows holds; see `Variables.encoding`.
    overwrite : bool, default=False
        Whether to replace an existing file.

    Returns
    -------
    str
        The lines of NumPy that encode and denoise with the file. It holds them as "program".

    Raises
    ------
    RecipeError
        The file's name cannot be used, or the model has a part that no program can compute.
    TaciturnError
        The file exists and `overwrite` is false, or it cannot be written.
    """
    lines = program(module, "numpy", _checked_name(path, ".npz"))
    named: dict[str, Any] = {"program": np.array(lines), **arrays(module, settings, columns=columns, encoding=encoding)}
    with atomic(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        np.savez(file, **named)  # an open file: to another name than one in .npz it would add the ending
    return lines


def write_mat(
    module: InferenceModule,
    path: str | os.PathLike[str],
    *,
    settings: Settings,
    columns: Sequence[str] | None = None,
    encoding: Sequence[Mapping[str, Any]] | None = None,
    overwrite: bool = False,
) -> str:
    """Write a model's arrays as a .mat file, and return the program that uses them.

    Parameters
    ----------
    module, settings, columns, encoding, overwrite
        As for `write_npz`.
    path : str or path-like
        The file, which ends in .mat.

    Returns
    -------
    str
        The lines of MATLAB that encode and denoise with the file. It holds them as "program".

    Raises
    ------
    RecipeError
        The file's name cannot be used, the model has a part that no program can compute, or an array is larger
        than the format allows (2 GB).
    TaciturnError
        The file exists and `overwrite` is false, or it cannot be written.

    Notes
    -----
    The file has version 5, compressed. Numbers are in double precision, because MATLAB computes in single precision
    as soon as one factor is single. Vectors are rows.
    """
    from scipy.io import savemat

    lines = program(module, "matlab", _checked_name(path, ".mat"))
    named = _for_matlab({"program": np.array(lines), **arrays(module, settings, columns=columns, encoding=encoding)})
    with atomic(path, overwrite=overwrite) as temporary:
        savemat(temporary, named, appendmat=False, do_compression=True, oned_as="row")
    return lines


def _for_matlab(named: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Return arrays of numbers in float64, and texts with spaces for the bytes that Octave would cut off.

    Octave reads as many bytes of a text as it has characters.
    """
    result: dict[str, Any] = {}
    for name, array in named.items():
        if array.dtype.kind == "U":
            text = str(array)
            result[name] = text + " " * (len(text.encode()) - len(text))
        elif array.size * 8 > MAX_MAT_BYTES:
            size = f"{array.size * 8 / 1e9:.1f} GB"
            raise RecipeError(f"{name} would take {size}; a .mat file holds up to 2 GB per array: write .npz instead")
        else:
            result[name] = array.astype(float)
    return result


def _checked_name(path: str | os.PathLike[str], ending: str) -> str:
    """Return a file's name without its folders; raise RecipeError unless a program can name it."""
    name = Path(path).name
    if not name.isprintable():
        raise RecipeError(f"{one_line(path)}: a program cannot name this file; give a name of printable characters")
    if Path(name).suffix.lower() != ending:
        raise RecipeError(f"{one_line(path)}: give a name that ends in {ending}, by which programs know the format")
    return name
