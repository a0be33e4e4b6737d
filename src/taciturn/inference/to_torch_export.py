"""Write a trained model as a program of torch.export."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..core.atomic import atomic
from ..core.errors import RecipeError
from ..core.messages import one_line
from ..model import InferenceModule
from ..training import Settings
from .agreement import check_agreement
from .program import Program, description


def to_torch_export(
    module: InferenceModule,
    path: str | os.PathLike[str],
    what: str = "encode",
    *,
    dtype: str = "float32",
    overwrite: bool = False,
    settings: Settings | None = None,
    columns: Sequence[str] | None = None,
    encoding: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Write one computation of a model as a program of torch.export, which torch loads without taciturn.

    Parameters
    ----------
    module : InferenceModule
        The model.
    path : str or path-like
        The file; its ending is .pt2.
    what, dtype, overwrite
        As for `to_onnx`.
    settings, columns, encoding
        As for `to_onnx`; they are extra files of the program.

    Raises
    ------
    RecipeError
        `what` or `dtype` is unknown, or the file's ending is not .pt2.
    TaciturnError
        The file exists and `overwrite` is false, or it cannot be written, or the program does not compute what the
        model computes.

    Notes
    -----
    `torch.export.load(path).module()` is the function. torch reads such files with pickle, so that loading a file can
    run code: load only files whose origin you trust.

    Examples
    --------
    >>> import tempfile
    >>> from taciturn.model import Autoencoder, Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> module = InferenceModule(Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_torch_export(module, f"{folder}/codes.pt2")
    ...     torch.export.load(f"{folder}/codes.pt2").module()(torch.rand(3, 4)).shape
    torch.Size([3, 8])
    """
    if not os.fspath(path).endswith(".pt2"):
        raise RecipeError(f"{one_line(path)} does not end with .pt2; torch.export.load requires this ending")
    program = Program(module, what, dtype)
    with atomic(path, overwrite=overwrite) as temporary:
        _drop_unused(program)
        torch.export.save(_traced(program), temporary, extra_files=description(program, settings, columns, encoding))
        loaded = torch.export.load(temporary).module()
        check_agreement(program, module, lambda x: loaded(torch.from_numpy(x)).numpy(), path)


def _traced(program: Program) -> torch.export.ExportedProgram:
    return torch.export.export(program, (program.example(),), dynamic_shapes=({0: torch.export.Dim("batch", min=0)},))


def _drop_unused(program: Program) -> None:
    """Remove the numbers that the computation does not read, which torch would save as well."""
    traced = _traced(program)
    names = {**traced.graph_signature.inputs_to_parameters, **traced.graph_signature.inputs_to_buffers}
    numbers: dict[str, Tensor] = {
        **dict(program.named_parameters(remove_duplicate=False)),
        **dict(program.named_buffers(remove_duplicate=False)),
    }
    # by identity: a tied weight has two names, of which the graph uses one
    used = {id(numbers[names[node.name]]) for node in traced.graph.nodes if node.name in names and node.users}
    for full_name, number in numbers.items():
        if id(number) not in used:
            owner, _, name = full_name.rpartition(".")
            delattr(program.get_submodule(owner), name)
