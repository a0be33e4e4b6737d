"""Write a trained model as an ONNX file."""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from ..core.atomic import atomic
from ..core.errors import RecipeError, TaciturnError
from ..core.messages import one_line
from ..model import InferenceModule
from ..training import Settings
from .agreement import check_agreement
from .program import Program, description

OPSET = 18  # all operators are in it; later opsets give the same graph
MAX_BYTES = 1536 * 2**20  # of a file's numbers; above it torch writes them into a second file


def to_onnx(
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
    """Write one computation of a model as an ONNX file, which onnxruntime checks before it is kept.

    Parameters
    ----------
    module : InferenceModule
        The model.
    path : str or path-like
        The file; its usual ending is .onnx.
    what : {"encode", "denoise", "decode"}, default="encode"
        From rows to codes, from rows to reconstructions, or from codes to reconstructions. The input is called "rows"
        or "codes", the output "codes" or "reconstruction"; any number of rows is possible, 0 as well.
    dtype : {"float32", "float64"}, default="float32"
        The type of the input and of the output, in which everything is computed.
    overwrite : bool, default=False
        Whether an existing file is replaced.
    settings : Settings, optional
        The parts of the run, written into the file's metadata.
    columns : sequence of str, optional
        The names of the rows' columns, written into the file's metadata.
    encoding : sequence of dict, optional
        What each column of a table's encoded rows holds (`Variables.encoding`), written into the file's metadata.

    Raises
    ------
    RecipeError
        `what` or `dtype` is unknown, or a package is missing.
    TaciturnError
        The file exists and `overwrite` is false, or cannot be written; the model has more than 1.6 GB of numbers; torch
        cannot express it in ONNX; or the file would not compute what the model computes.

    Examples
    --------
    >>> from taciturn.model import Autoencoder, Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> module = InferenceModule(Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0)))
    >>> to_onnx(module, "codes.onnx")  # doctest: +SKIP
    """
    try:
        import onnx  # noqa: F401  # torch's exporter needs it, and the next
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise RecipeError("to_onnx needs onnx, onnxscript and onnxruntime: pip install 'taciturn[onnx]'") from error
    program = Program(module, what, dtype)
    with atomic(path, overwrite=overwrite) as temporary:
        exported = _translated(program, path)
        for name, text in description(program, settings, columns, encoding).items():
            exported.model.metadata_props[name] = text
        if (size := sum(value.const_value.nbytes for value in exported.model.graph.initializers.values())) > MAX_BYTES:
            raise TaciturnError(
                f"{one_line(path)} would hold {size / 1e9:.1f} GB of numbers, but one ONNX file holds at most 1.6 GB; "
                "write a .pt2 or an .npz file"
            )
        exported.save(temporary, external_data=False)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        session = onnxruntime.InferenceSession(temporary, options, providers=["CPUExecutionProvider"])
        check_agreement(program, module, lambda x: session.run(None, {program.input: x})[0], path)


def _translated(program: Program, path: str | os.PathLike[str]) -> Any:
    """Return torch's translation, with the names of input and output."""
    with _silent():
        try:
            exported = torch.onnx.export(
                program,
                (program.example(),),
                dynamic_shapes=({0: "batch"},),
                input_names=[program.input],
                output_names=[program.output],
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            reason: BaseException = error
            while reason.__cause__ is not None:  # the first error names the operator
                reason = reason.__cause__
            problem = f"torch cannot express the model in ONNX: {one_line(reason)}"
            raise TaciturnError(f"{one_line(path)}: {problem}") from error
    assert exported is not None
    for item in (exported.model.graph, *exported.model.graph, *exported.model.graph.initializers.values()):
        item.metadata_props.clear()  # traces of Python's files
    return exported


@contextmanager
def _silent() -> Iterator[None]:
    """Hide what torch's exporter warns of: packages that are not installed, and its own parts."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
