"""taciturn convert: a dictionary in the format of another library, and back."""

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import RecipeError
from .app import Command, app

OURS = "taciturn"


@app.command(cls=Command, no_args_is_help=True)
def convert(
    source: Annotated[
        Path,
        typer.Argument(
            help="A run's folder, or a dictionary of another library: {dictionaries}.",
            show_default=False,
            metavar="SRC",
        ),
    ],
    out: Annotated[Path, typer.Argument(help="The folder to write.", show_default=False, metavar="DST")],
    *,
    to: Annotated[
        str, typer.Option("--to", help="The format to write: {written_dictionaries} or taciturn.", show_default=False)
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a folder of the same format.")] = False,
) -> None:
    """Convert a dictionary to the format of another library, or from it.

    [dim]Examples:[/]

      taciturn convert runs/embeddings sae --to saelens

      taciturn convert gpt2-small/layer_6 runs/layer6 --to taciturn
    """
    from .. import artifact
    from ..artifact.foreign import FORMATS, dictionary_of, format_of, read, write
    from ..estimators.from_dictionary import estimator_of
    from .table import show

    name = format_of(source)
    if to == OURS:
        if name is None:
            raise RecipeError(
                f"{source} is not a dictionary of {', '.join(FORMATS)}; a run needs no conversion to {OURS}"
            )
        dictionary = read(source)
        estimator_of(dictionary).save(out, overwrite=overwrite)
    else:
        dictionary = dictionary_of(artifact.load(source)) if name is None else read(source)
        write(dictionary, out, to, overwrite=overwrite)
    latents, columns = dictionary.encoder.shape
    targets = f", {dictionary.decoder.shape[1]:,} columns of targets" if dictionary.transcodes else ""
    show(str(out), [("format", to), ("dictionary", f"{columns:,} columns, {latents:,} latents{targets}")])
