"""taciturn report: one page on a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import DataError, RecipeError
from .app import Command, app
from .options import RunFolder, Threads, check_out, rows_for, training_and_held_out, use_threads

if TYPE_CHECKING:
    from ..artifact import Artifact


@app.command(cls=Command, no_args_is_help=True)
def report(
    run: RunFolder,
    data: Annotated[
        str | None,
        typer.Option(
            help="Rows to evaluate the model on: a data set's name or a file. "
            "By default the rows that the run held out.",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="A file with a class or a number for each row, to which latents are related.", show_default=False
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="Instead of --labels: a column of the rows' own file; best one that the model was not trained on.",
            show_default=False,
        ),
    ] = None,
    corrupt: Annotated[
        str | None, typer.Option(help="Evaluate denoising under this corruption; by default under the run's own.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The page to write; a .json is written beside it.", show_default="RUN/report.html"
        ),
    ] = None,
    threads: Threads = None,
) -> None:
    """Write a report on a model: one self-contained HTML page, and its numbers as JSON.

    [dim]Examples:[/]

      taciturn report runs/digits

      taciturn report runs/mnist --data mnist:test --labels t10k-labels-idx1-ubyte.gz

      taciturn report runs/table --target diagnosis
    """
    from .. import artifact
    from ..estimators.resolve import corruption
    from ..report import report as report_on
    from .table import show

    page = out or run / "report.html"
    if page.suffix.lower() not in (".html", ".htm"):
        raise RecipeError(f"{page}: a report is written as .html; choose this ending")
    use_threads(threads)
    stored = artifact.load(run)
    for file in (page, page.with_suffix(".json")):
        check_out(file, labels, data or stored.config["rows"].get("data"))
    rows_config = stored.config["rows"]
    rows = rows_for(stored, data)
    try:
        training = training_and_held_out(stored)[0]
    except DataError:  # the training rows' file has gone: baselines are then fitted on half of the rows
        training = None
    made = report_on(
        stored,
        rows,
        training=training,
        labels=labels_for(stored, data, labels, target),
        target=target or ("" if labels is None else Path(labels.partition(":")[0]).stem),
        name=run.resolve().name,
        corruption=None if corrupt is None else corruption(corrupt),
        held_out=data is None and bool(rows_config.get("held_out")),
        repeat=f"taciturn fit {run / 'recipe.toml'} -o again" if (run / "recipe.toml").is_file() else "",
        seed=rows_config.get("split_seed", 0),
    )
    made.save(page)
    made.save_json(page.with_suffix(".json"))
    lines = [
        ("verdict", made.verdict.sentence),
        *(("warning", f"{warning.what} {warning.mend}") for warning in made.verdict.warnings),
        ("written", f"{page} and {page.with_suffix('.json').name}"),
    ]
    show(str(run), lines)


def labels_for(run: "Artifact", data: str | None, labels: str | None, target: str | None) -> Any:
    """Return a label for each row of a report.

    Parameters
    ----------
    run : Artifact
        The run.
    data : str or None
        A data set's name or a file with the report's rows; None: the rows that the run held out.
    labels : str or None
        A file with labels.
    target : str or None
        A column of the rows' file with labels.

    Returns
    -------
    array [N] or None
        If neither `labels` nor `target` is given, the labels that the data set includes; None if it has none, or too
        few rows of each class.

    Raises
    ------
    RecipeError
        Both `labels` and `target` are given.
    DataError
        The labels cannot be read, or are not as many as the rows.
    """
    from .. import datasets
    from ..data.split import split
    from ..probes import relatable

    if labels is not None and target is not None:
        raise RecipeError("--labels and --target both name labels; give one of them")
    rows_config = run.config["rows"]
    where, is_requested = data or rows_config.get("data"), (labels or target) is not None
    if where is None or (not is_requested and where not in datasets.names()):
        return None
    values = datasets.labels(labels or where, column=target)
    if values is not None and data is None and rows_config.get("held_out"):
        n_rows = sum(map(len, training_and_held_out(run)))
        if len(values) != n_rows:
            raise DataError(
                f"{labels or where} has {len(values):,} labels, but {where} has {n_rows:,} rows; give one label per row"
            )
        values = values[split(n_rows, rows_config["held_out"], rows_config["split_seed"])[1]]
    return values if is_requested or (values is not None and relatable(values)) else None
