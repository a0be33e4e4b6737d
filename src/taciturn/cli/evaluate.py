"""taciturn evaluate: what a model is worth on rows."""

import json
from typing import Annotated

import typer

from .app import Command, app
from .options import Data, RunFolder, Threads, rows_for, use_threads


@app.command(cls=Command, no_args_is_help=True)
def evaluate(
    run: RunFolder,
    data: Data = None,
    corrupt: Annotated[
        str | None, typer.Option(help="Measure denoising under this corruption; by default the run's own.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    threads: Threads = None,
) -> None:
    """Print error, rate and what denoising is worth on rows; by default on those that the run held out.

    [dim]Examples:[/]

      taciturn evaluate runs/digits

      taciturn evaluate runs/mnist mnist:test --corrupt dropout:0.5 --json
    """
    from .. import artifact
    from ..estimators.resolve import corruption
    from ..report import summarise
    from .table import show

    use_threads(threads)
    kept = artifact.load(run)
    summary = summarise(
        kept.model,
        rows_for(kept, data),
        objective=kept.recipe("objective"),
        corruption=kept.recipe("corruption") if corrupt is None else corruption(corrupt),
        held_out=data is None and bool(kept.config["rows"].get("held_out")),
        weights=kept.metrics.get("weights"),
        seed=kept.config["rows"].get("split_seed", 0),
    )
    if as_json:
        typer.echo(json.dumps(summary.to_dict(), indent=1))
    else:
        show(str(run), summary.lines())
