"""taciturn evaluate: a model's results on rows."""

import json
from typing import Annotated

import typer

from .app import Command, app
from .options import Data, RunFolder, TextOptions, Threads, use_threads, with_text_options
from .run_rows import pairs_for
from .targets import Target


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def evaluate(
    run: RunFolder,
    data: Data = None,
    target: Target = None,
    corrupt: Annotated[
        str | None, typer.Option(help="Evaluate denoising under this corruption; by default under the run's own.")
    ] = None,
    text: TextOptions | None = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    threads: Threads = None,
) -> None:
    """Print the reconstruction error, the sparsity and the denoising of a model on rows.

    Of a run with targets the errors are those of the targets.

    [dim]Examples:[/]

      taciturn evaluate runs/digits

      taciturn evaluate runs/mnist mnist:test --corrupt dropout:0.5 --json

      taciturn evaluate runs/layer new_inputs.npy --target new_outputs.npy
    """
    from .. import artifact
    from ..estimators.resolve import corruption
    from ..report import summary_of_run
    from .table import show

    use_threads(threads)
    stored = artifact.load(run)
    rows, targets = pairs_for(stored, data, target, text)
    noise = None if corrupt is None else corruption(corrupt)
    summary = summary_of_run(stored, rows, targets=targets, corruption=noise)
    if as_json:
        typer.echo(json.dumps(summary.to_dict(), indent=1))
    else:
        show(str(run), summary.lines())
