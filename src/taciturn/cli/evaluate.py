"""taciturn evaluate: a model's results on rows."""

import json
from typing import Annotated

import typer

from .app import Command, app
from .options import Data, Header, RunFolder, Threads, rows_for, use_threads


@app.command(cls=Command, no_args_is_help=True)
def evaluate(
    run: RunFolder,
    data: Data = None,
    corrupt: Annotated[
        str | None, typer.Option(help="Evaluate denoising under this corruption; by default under the run's own.")
    ] = None,
    header: Header = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    threads: Threads = None,
) -> None:
    """Print the reconstruction error, the sparsity and the denoising of a model on rows.

    [dim]Examples:[/]

      taciturn evaluate runs/digits

      taciturn evaluate runs/mnist mnist:test --corrupt dropout:0.5 --json
    """
    from .. import artifact
    from ..estimators.resolve import corruption
    from ..report import summarise
    from .table import show

    use_threads(threads)
    stored = artifact.load(run)
    rows_config = stored.config["rows"]
    summary = summarise(
        stored.model,
        rows_for(stored, data, header),
        objective=stored.recipe("objective"),
        corruption=stored.recipe("corruption") if corrupt is None else corruption(corrupt),
        held_out=data is None and bool(rows_config.get("held_out")),
        weights=stored.metrics.get("weights"),
        seed=rows_config.get("split_seed", 0),
    )
    if as_json:
        typer.echo(json.dumps(summary.to_dict(), indent=1))
    else:
        show(str(run), summary.lines())
