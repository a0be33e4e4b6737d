"""taciturn compare: runs beside each other."""

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import RecipeError
from .app import Command, app
from .options import Threads, rows_for, use_threads


@app.command(cls=Command, no_args_is_help=True)
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two or more runs' folders.", show_default=False)],
    data: Annotated[
        str | None,
        typer.Option(
            help="Rows that all are measured on: a data set's name or a file. Without it: each run's own numbers.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The page; a .json beside it.")] = Path("compare.html"),
    threads: Threads = None,
) -> None:
    """Write one HTML page on how runs differ, in what was asked, in error and L0, in the latents that they share.

    [dim]Examples:[/]

      taciturn compare runs/digits runs/again

      taciturn compare runs/k8 runs/k16 runs/k32 --data mnist:test -o k.html
    """
    from .. import artifact
    from ..report import compare as beside
    from .table import show

    if out.suffix.lower() not in (".html", ".htm"):
        raise RecipeError(f"{out}: a comparison is written as .html; choose this ending")
    use_threads(threads)
    names = [run.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run) for run in runs]
    if len(set(names)) < len(names):
        raise RecipeError(f"{next(name for name in names if names.count(name) > 1)} is named twice; name other runs")
    kept = {name: artifact.load(run) for name, run in zip(names, runs, strict=True)}
    found = beside(kept, None if data is None else rows_for(next(iter(kept.values())), data))
    found.save(out)
    found.save_json(out.with_suffix(".json"))
    lines = [(name, said.explained) for name, said in zip(found.names, found.summaries, strict=True)]
    show(found.sentence, [*lines, ("written", f"{out} and {out.with_suffix('.json').name}")])
