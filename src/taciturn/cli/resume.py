"""taciturn resume: go on with a run that was ended, from its last checkpoint."""

from typing import Annotated

import typer

from ..core.errors import ArtifactError
from . import recipe_file
from .app import Command, app
from .options import LatentProcesses, RunFolder, Track, use_threads


@app.command(cls=Command, no_args_is_help=True)
def resume(
    run: RunFolder,
    data: Annotated[
        str | None,
        typer.Argument(
            help="The rows of the run, if they are no longer where they were: a data set's name, or a file.",
            show_default=False,
            metavar="DATA",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", help="Its targets, if they are no longer where they were.", show_default=False),
    ] = None,
    track: Track = None,
    latent_processes: LatentProcesses = 1,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Write report.html, a page on the model and its results.")
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress bar and no table.")] = False,
) -> None:
    """Go on with a run of `taciturn fit --checkpoint-every` that was ended, from its last checkpoint.

    The run ends with the same model as if it had not been ended, bit for bit, on the same machine with the same number
    of threads. Its rows and its recipe must be the same.

    [dim]Example:[/]

      taciturn resume runs/digits
    """
    from ..core.run_folder import is_unfinished
    from ..trackers import tracker
    from ..training import Checkpoints
    from ..training.processes import joined
    from .run import complete

    callbacks = [tracker(text) for text in track or []]
    if not is_unfinished(run):
        whole = (run / "config.json").exists()
        state = "is complete; there is nothing to resume" if whole else "holds no run; name the folder of a run"
        raise ArtifactError(f"{run} {state}")
    recipe = recipe_file.read(run / "recipe.toml")
    if data is not None:
        recipe["data"]["source"] = data
    if target is not None:
        recipe["data"]["target"] = target
    use_threads(recipe["run"].get("threads"))
    with joined(latent_processes, leaves=False) as processes:
        checkpoints = Checkpoints.resume(run)
        checkpoints.callbacks = callbacks
        complete(recipe, run, checkpoints, processes, report=report, quiet=quiet)
