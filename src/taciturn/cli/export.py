"""taciturn export: a run's model in the format of another program."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import RecipeError
from ..core.messages import one_line
from .app import Command, app
from .options import RunFolder, check_out

if TYPE_CHECKING:
    from ..artifact import Artifact

WHAT = "encode"
MAX_LINE_CHARS = 2000


@dataclass(frozen=True)
class Target:
    """A format that `taciturn export` writes.

    Parameters
    ----------
    ending : str
        The ending of its files.
    write : callable
        Writes an artifact's model: (artifact, path, what, overwrite). It may return a program that uses the file.
    usage : tuple of str
        Lines of Python that use a file, with {file}, {input} and {output} in place of names.
    one_computation : bool, default=False
        Whether a file holds one computation, which --what names; otherwise it holds the whole network.
    """

    ending: str
    write: Callable[["Artifact", Path, str, bool], str | None]
    usage: tuple[str, ...]
    one_computation: bool = False


def _onnx(artifact: "Artifact", path: Path, what: str, overwrite: bool) -> None:
    from ..inference import to_onnx

    artifact.export(to_onnx, path, what=what, overwrite=overwrite)


def _torch_export(artifact: "Artifact", path: Path, what: str, overwrite: bool) -> None:
    from ..inference import to_torch_export

    artifact.export(to_torch_export, path, what=what, overwrite=overwrite)


def _keras(artifact: "Artifact", path: Path, what: str, overwrite: bool) -> None:
    from ..inference import to_keras_file

    if find_spec("tensorflow") is None:  # any backend writes the same file, and torch is there
        os.environ.setdefault("KERAS_BACKEND", "torch")
    to_keras_file(artifact, path, overwrite=overwrite)


def _npz(artifact: "Artifact", path: Path, what: str, overwrite: bool) -> str:
    from ..inference import write_npz

    return artifact.export(write_npz, path, overwrite=overwrite)


def _mat(artifact: "Artifact", path: Path, what: str, overwrite: bool) -> str:
    from ..inference import write_mat

    return artifact.export(write_mat, path, overwrite=overwrite)


TARGETS = {
    "onnx": Target(
        ".onnx",
        _onnx,
        (
            "session = onnxruntime.InferenceSession({file!r})",
            '{output} = session.run(None, {{"{input}": {input}.astype("float32")}})[0]',
        ),
        one_computation=True,
    ),
    "pt2": Target(
        ".pt2",
        _torch_export,
        (
            "compute = torch.export.load({file!r}).module()",
            '{output} = compute(torch.from_numpy({input}.astype("float32")))',
        ),
        one_computation=True,
    ),
    "keras": Target(
        ".keras",
        _keras,
        (
            "import taciturn.inference.keras_layers  # layers of taciturn in the file",
            "network = keras.saving.load_model({file!r})",
            "reconstruction = network.predict(rows)",
        ),
    ),
    "npz": Target(".npz", _npz, ()),
    "mat": Target(".mat", _mat, ()),
}


@app.command(cls=Command, no_args_is_help=True)
def export(
    run: RunFolder,
    *,
    to: Annotated[str, typer.Option("--to", help=f"The format: {', '.join(TARGETS)}.", show_default=False)],
    what: Annotated[
        str | None,
        typer.Option(
            help="What the file computes: encode (rows to codes), denoise (rows to reconstructions) or decode (codes "
            f"to reconstructions); for {', '.join(name for name, each in TARGETS.items() if each.one_computation)}.",
            show_default=WHAT,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write.", show_default="RUN-WHAT in the current folder"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Write a run's model in the format of another program.

    [dim]Examples:[/]

      taciturn export runs/digits --to onnx

      taciturn export runs/digits --to onnx --what denoise -o clean.onnx
    """
    from .. import artifact
    from ..inference.program import INPUTS, OUTPUTS
    from .table import show

    target = TARGETS.get(to)
    if target is None:
        raise RecipeError(f"--to {to} is none of {', '.join(TARGETS)}")
    if what is not None and not target.one_computation:
        raise RecipeError(f"--what {what} does not apply to {to}, whose files hold the whole network; leave it out")
    what = what or WHAT
    if what not in INPUTS:
        raise RecipeError(f"--what {what} is none of {', '.join(INPUTS)}")
    stored = artifact.load(run)
    name = run.resolve().name + (f"-{what}" if target.one_computation else "")
    file = out or Path(name + target.ending)
    check_out(file)
    program = target.write(stored, file, what, overwrite)
    widths = {"rows": stored.model.layout.widths[0], "codes": stored.model.layout.widths[-1]}
    widths["reconstruction"] = widths["rows"]
    names = {"input": INPUTS[what], "output": OUTPUTS[what]} if target.one_computation else {}
    lines = [("written", f"{file.stat().st_size / 1e6:,.2f} MB")]
    lines += [(label, f"{each}: float32 [batch, {widths[each]}]") for label, each in names.items()]
    if stored.rows.variables is not None and target.one_computation:
        lines.append(("encoding", f"what each of the {widths['rows']} columns holds: text 'encoding' in the file"))
    show(str(file), lines)
    for line in target.usage:  # not in the table, which folds long lines
        typer.echo(one_line(line.format(file=str(file), **names), MAX_LINE_CHARS))
    if program is not None:
        typer.echo(program)
