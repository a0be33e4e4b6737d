"""A run's folder, from the first step to its last file: what `taciturn fit` and `taciturn resume` share."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer

from ..core.atomic import atomic_folder
from ..core.errors import TaciturnError
from ..core.run_folder import LOG, objection
from .app import print_error
from .signals import exit_status
from .training import TrainedRun, train, write

if TYPE_CHECKING:
    from ..core.world import Mesh
    from ..training import Checkpoints


def complete(
    recipe: dict[str, dict[str, Any]],
    folder: Path,
    checkpoints: "Checkpoints",
    processes: "Mesh",
    *,
    report: bool,
    quiet: bool,
    memory: int | None = None,
) -> None:
    """Train a new run to its end, or one that goes on, and write its folder.

    An old run in the folder is replaced when the first checkpoint can be written; without checkpoints in the end.

    Parameters
    ----------
    recipe : dict
        The recipe.
    folder : Path
        The run's folder.
    checkpoints : Checkpoints
        Its log and its checkpoints.
    processes : Mesh
        The processes that train together.
    report : bool
        Whether a report is written.
    quiet : bool
        Whether neither a progress bar nor a table is printed.
    memory : int or None, default=None
        The bytes that the training may hold; None: no bound.

    Raises
    ------
    typer.Exit
        The run was interrupted; a line tells where the model is, or how to go on.
    """

    # without checkpoints an old run stays until the new one is complete, and there is no log
    logged = None if checkpoints.every is None and folder.exists() and any(folder.iterdir()) else checkpoints
    new_parents = [each for each in folder.absolute().parents if not each.exists()]
    try:
        with TemporaryDirectory() as elsewhere:
            log = logged or (replace(checkpoints, folder=Path(elsewhere, "run")) if checkpoints.callbacks else None)
            page = folder if report else None
            run = train(recipe, processes, bar=not quiet, folder=page, checkpoints=log, memory=memory)
        begun = logged is not None
        with atomic_folder(folder, overwrite=begun or checkpoints.overwrite, objection=objection) as temporary:
            if begun:
                shutil.copyfile(folder / LOG, temporary / LOG)
            names = write(run, temporary)
    except BaseException as error:
        if logged is not None and logged.log is not None and not logged.exist:
            with suppress(TaciturnError):
                logged.log.close()
            shutil.rmtree(folder, ignore_errors=True)  # only the log of a run that cannot go on
            with suppress(OSError):
                for parent in new_parents:
                    parent.rmdir()
        elif isinstance(error, KeyboardInterrupt) and checkpoints.exist:
            print_error(f"interrupted; go on: taciturn resume {folder}")
            raise typer.Exit(exit_status(error)) from None
        raise
    if not quiet:
        _print_results(run, folder, names)
    if run.interrupt is not None:
        stopped = run.estimator.stopped_ or ""
        when = stopped if stopped.startswith("interrupted") else "interrupted while the report was made"
        print_error(f"{when}; the model trained until then is in {folder}")
        raise typer.Exit(exit_status(run.interrupt))


def _print_results(run: TrainedRun, folder: Path, names: list[str]) -> None:
    from ..report import OutlierReport
    from .table import show, variable_lines

    estimator, epochs = run.estimator, run.estimator.n_iter_
    training = f"{run.n_training_rows:,} {run.artifact.rows_name}, {epochs:,} epoch{'' if epochs == 1 else 's'}"
    described = variable_lines(run.artifact.rows.variables)
    lines = [("trained on", training), *described, ("scaling", estimator.scaling_)]
    if run.summary is None:
        lines.append(("not evaluated", f"no process holds all latents; in one: taciturn report {folder}"))
    else:
        lines += run.summary.lines()
    if isinstance(run.report, OutlierReport):
        lines.append(("outliers", run.report.verdict.sentence))
    elif run.report is not None and run.report.trust is not None:
        lines += run.report.trust.lines()
    if run.report is not None:
        lines += [("warning", f"{warning.what} {warning.mend}") for warning in run.report.verdict.warnings]
        lines += [("note", run.report.suggestion)] if run.report.suggestion else []
    if estimator.stopped_:
        lines.append(("stopped", estimator.stopped_))
    lines.append(("written", f"{folder}/ ({', '.join(['recipe.toml', *names])})"))
    show(str(run.recipe["data"]["source"]), lines)
