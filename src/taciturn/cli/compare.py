"""taciturn compare: several runs in one page."""

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import RecipeError
from .app import Command, app
from .options import Threads, check_out, use_threads
from .run_rows import rows_for


@app.command(cls=Command, no_args_is_help=True)
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="The folders of two or more runs.", show_default=False, metavar="RUN")
    ],
    data: Annotated[
        str | None,
        typer.Option(
            help="Rows to evaluate all runs on: a data set's name or a file. "
            "By default each run has the results of its own held-out rows.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write; a .json is written beside it.")] = Path(
        "compare.html"
    ),
    threads: Threads = None,
) -> None:
    """Compare runs in one HTML page: parameters, error and L0, and the latents that they share.

    [dim]Examples:[/]

      taciturn compare runs/digits runs/again

      taciturn compare runs/k8 runs/k16 runs/k32 --data mnist:test -o k.html
    """
    from .. import artifact
    from ..report import compare as compare_artifacts
    from .table import show

    if out.suffix.lower() not in (".html", ".htm"):
        raise RecipeError(f"{out}: a comparison is written as .html; choose this ending")
    for file in (out, out.with_suffix(".json")):
        check_out(file, data)
    use_threads(threads)
    names = [run.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run) for run in runs]
    if len(set(names)) < len(names):
        raise RecipeError(f"{next(name for name in names if names.count(name) > 1)} is named twice; name other runs")
    artifacts = {name: artifact.load(run) for name, run in zip(names, runs, strict=True)}
    rows = None if data is None else rows_for(next(iter(artifacts.values())), data)
    comparison = compare_artifacts(artifacts, rows)
    comparison.save(out)
    comparison.save_json(out.with_suffix(".json"))
    lines = [(name, summary.explained) for name, summary in zip(comparison.names, comparison.summaries, strict=True)]
    show(comparison.sentence, [*lines, ("written", f"{out} and {out.with_suffix('.json').name}")])
