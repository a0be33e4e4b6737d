"""taciturn evaluate: a model's results on rows."""

import json
from typing import Annotated

import typer

from .app import Command, app
from .options import Data, RunFolder, TextOptions, Threads, rows_for, use_threads, with_text_options


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def evaluate(
    run: RunFolder,
    data: Data = None,
    corrupt: Annotated[
        str | None, typer.Option(help="Evaluate denoising under this corruption; by default under the run's own.")
    ] = None,
    text: TextOptions | None = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    threads: Threads = None,
) -> None:
    """Print the reconstruction error, the sparsity and the denoising of a model on rows.

    [dim]Examples:[/]

      taciturn evaluate runs/digits

      taciturn evaluate runs/mnist mnist:test --corrupt dropout:0.5 --json
    """
    from .. import artifact
    from ..data.row_shape import is_image
    from ..estimators.resolve import corruption
    from ..report import summarise
    from .table import show

    use_threads(threads)
    stored = artifact.load(run)
    rows = rows_for(stored, data, text)
    summary = summarise(
        stored.model,
        rows,
        objective=stored.settings.objective,
        corruption=stored.settings.evaluation_noise if corrupt is None else corruption(corrupt),
        rows_kind=stored.rows_kind(rows),
        weights=stored.metrics.get("weights"),
        seed=stored.training.seed,
        images=is_image(tuple(stored.rows.shape)),
        noise=stored.settings.noise,
    )
    if as_json:
        typer.echo(json.dumps(summary.to_dict(), indent=1))
    else:
        show(str(run), summary.lines())
