"""taciturn report: what a model has learnt, as one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import DataError, RecipeError
from .app import Command, app
from .options import RunFolder, Threads, learnt_and_held, rows_for, use_threads

if TYPE_CHECKING:
    from ..artifact import Artifact


@app.command(cls=Command, no_args_is_help=True)
def report(
    run: RunFolder,
    data: Annotated[
        str | None,
        typer.Option(
            help="Rows that the report is about: a data set's name or a file. Without it: those that the run held out.",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="A class or a number a row, which latents are related to: a file.", show_default=False),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="The same as a column of the rows' file, not learnt from.", show_default=False)
    ] = None,
    corrupt: Annotated[
        str | None, typer.Option(help="Measure denoising under this corruption; by default the run's own.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The page; a .json beside it.", show_default="RUN/report.html")
    ] = None,
    threads: Threads = None,
) -> None:
    """Write one self-contained HTML page on what a model has learnt, and its numbers as JSON.

    [dim]Examples:[/]

      taciturn report runs/digits

      taciturn report runs/mnist --data mnist:test --labels t10k-labels-idx1-ubyte.gz

      taciturn report runs/table --target diagnosis
    """
    from .. import artifact
    from ..estimators.resolve import corruption
    from ..report import report as make
    from .table import show

    page = out or run / "report.html"
    if page.suffix.lower() not in (".html", ".htm"):
        raise RecipeError(f"{page}: a report is written as .html; choose this ending")
    use_threads(threads)
    kept = artifact.load(run)
    rows = rows_for(kept, data)
    try:
        training = learnt_and_held(kept)[0]
    except DataError:  # no longer there: simpler models then learn from half of the rows
        training = None
    made = make(
        kept,
        rows,
        training=training,
        labels=labels_for(kept, data, labels, target),
        target=target or ("" if labels is None else Path(labels.partition(":")[0]).stem),
        name=run.resolve().name,
        corruption=None if corrupt is None else corruption(corrupt),
        held_out=data is None and bool(kept.config["rows"].get("held_out")),
        repeat=f"taciturn fit {run / 'recipe.toml'} -o again" if (run / "recipe.toml").is_file() else "",
        seed=kept.config["rows"].get("split_seed", 0),
    )
    made.save(page)
    made.save_json(page.with_suffix(".json"))
    said = [
        ("verdict", made.verdict.sentence),
        *(("warning", f"{each.what} {each.mend}") for each in made.verdict.warnings),
    ]
    show(str(run), [*said, ("written", f"{page} and {page.with_suffix('.json').name}")])


def labels_for(kept: "Artifact", data: str | None, labels: str | None, target: str | None) -> Any:
    """Return a class or a number for each row that a report is about.

    None where nobody named some, and the data set has none of its own, or none that so few rows can be related to.
    """
    from .. import datasets
    from ..data.split import split
    from ..probes import relatable

    if labels is not None and target is not None:
        raise RecipeError("--labels and --target both say what latents are related to; give one")
    said = kept.config["rows"]
    where, asked = data or said.get("data"), labels or target
    if where is None or (asked is None and where not in datasets.names()):
        return None
    found = datasets.labels(labels or where, column=target)
    if found is not None and data is None and said.get("held_out"):
        n_rows = sum(map(len, learnt_and_held(kept)))
        if len(found) != n_rows:
            raise DataError(
                f"{labels or where} has {len(found):,} labels, but {where} has {n_rows:,} rows; give one a row"
            )
        found = found[split(n_rows, said["held_out"], said["split_seed"])[1]]
    return found if asked is not None or (found is not None and relatable(found)) else None
