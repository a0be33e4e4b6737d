"""taciturn check: whether rows are like those that a model was trained on."""

import json
from typing import Annotated

import typer

from .app import Command, app
from .options import Data, RunFolder, TextOptions, Threads, use_threads, with_text_options
from .run_rows import pairs_for
from .targets import Target

UNLIKE, UNDECIDED = 3, 4  # exit statuses


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def check(
    run: RunFolder,
    data: Data = None,
    *,
    target: Target = None,
    text: TextOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    threads: Threads = None,
) -> None:
    """Compare rows with those that a model was trained on: FVU, L0, and whether the rows are like them.

    The exit status is 0 if they are, 3 if they are not, and 4 if that cannot be decided: of few rows, or because
    nothing is remembered of the training rows.

    [dim]Examples:[/]

      taciturn check runs/layer6 activations.npy

      taciturn check runs/table new.csv --json
    """
    from .. import estimators
    from .table import show

    use_threads(threads)
    model = estimators.load(run)
    if not isinstance(model, estimators.BaseAutoencoder):
        estimators.check(model, [])  # which refuses it
    rows, targets = pairs_for(model.to_artifact(), data, target, text)
    result = estimators.check(model, rows, target=targets)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), indent=1))
    else:
        show(str(run), result.lines())
    if not result.alike:
        raise typer.Exit(UNDECIDED if result.alike is None else UNLIKE)
