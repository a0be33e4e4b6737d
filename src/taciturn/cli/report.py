"""taciturn report: one page on a model."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import DataError, RecipeError
from . import recipe_file
from .app import Command, app
from .crops import has_crops
from .options import (
    RowId,
    RowTexts,
    RunFolder,
    Shape,
    TextOptions,
    Threads,
    check_out,
    image_shape,
    use_threads,
    with_text_options,
)
from .outlier_page import all_rows, write_page
from .places import split_column
from .row_values import labels_for, texts_for
from .run_rows import pairs_for, rows_for, training_pairs, was_trained_with_targets

if TYPE_CHECKING:
    from ..data.sources import Source
    from ..report import OutlierReport, Report


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def report(
    run: RunFolder,
    data: Annotated[
        str | None,
        typer.Option(
            help="Rows to evaluate the model on: a data set's name or a file. "
            "By default the rows that the run held out; of an outlier detector all rows of the run.",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="A file with a class or a number for each row, to which latents are related; of a table FILE:COLUMN.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="Of a run with targets: those of the rows of --data; of a run of images or signals: the clean "
            "ones of noisy ones. Else, instead of --labels: a column of the rows' own file that the model was not "
            "trained on.",
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
    texts: RowTexts = None,
    row_id: RowId = None,
    shape: Shape = None,
    text: TextOptions | None = None,
    threads: Threads = None,
) -> None:
    """Write a report on a model: one self-contained HTML page, and its numbers as JSON.

    Of a run that is not complete yet the page has the curves so far, and no JSON is written.

    [dim]Examples:[/]

      taciturn report runs/digits

      taciturn report runs/mnist --data mnist:test --labels t10k-labels-idx1-ubyte.gz

      taciturn report runs/table --target diagnosis --id patient

      taciturn report runs/embeddings --texts sentences.txt

      taciturn report runs/layer --data new_inputs.npy --target new_outputs.npy

      taciturn report runs/photos --data noisy-photos --target clean-photos
    """
    from .. import artifact
    from ..core.atomic import atomic
    from ..core.run_folder import is_unfinished, unfinished
    from ..estimators import AutoencoderOutlierDetector
    from ..estimators.resolve import corruption
    from ..report import report as report_on
    from ..report import unfinished_report
    from .table import show

    page = out or run / "report.html"
    if page.suffix.lower() not in (".html", ".htm"):
        raise RecipeError(f"{page}: a report is written as .html; choose this ending")
    use_threads(threads)
    if is_unfinished(run):
        check_out(page)
        with atomic(page) as temporary:
            temporary.write_text(unfinished_report(run), encoding="utf-8")
        show(str(run), [("unfinished", unfinished(run)), ("written", str(page))])
        return
    stored = artifact.load(run)
    for file in (page, page.with_suffix(".json")):
        check_out(file, labels, data or stored.rows.source)
    recipe = run / "recipe.toml"
    own = recipe_file.read(recipe)["data"] if data is None and recipe.is_file() else {}  # --id and --texts of the fit
    if stored.estimator.name == AutoencoderOutlierDetector.__name__:
        given = {"--labels": labels, "--target": target, "--corrupt": corrupt}
        if unused := [option for option, value in given.items() if value is not None]:
            raise RecipeError(f"{unused[0]} is not for a page of outliers; leave it out")
        detector = AutoencoderOutlierDetector.load(run).set_params(shape=image_shape(shape))
        outliers = write_page(
            detector,
            detector.to_artifact(),
            all_rows(stored) if data is None else rows_for(stored, data, text),
            page,
            data or stored.rows.source,
            texts=texts or own.get("texts"),
            row_id=row_id or own.get("id"),
            text=text,
            name=run.resolve().name,
        )
        show(str(run), [("outliers", outliers.verdict.sentence), *_notes(outliers), ("written", _written(page))])
        return
    has_targets = was_trained_with_targets(stored) or has_crops(stored)
    target, column = (target, None) if has_targets else (None, target)
    rows, targets = pairs_for(stored, data, target, text)
    training: Source | None = None
    training_targets: Source | None = None
    with suppress(DataError):  # the training rows are gone or changed: baselines are then fitted on half of the rows
        training, training_targets = training_pairs(stored)
    made = report_on(
        stored,
        rows,
        targets=targets,
        training=training,
        training_targets=training_targets,
        labels=labels_for(stored, data, labels, column, text),
        target=column or ("" if labels is None else _label_name(labels)),
        texts=texts_for(stored, data, "--texts", texts or own.get("texts"), text),
        ids=texts_for(stored, data, "--id", row_id or own.get("id"), text),
        shape=image_shape(shape),
        name=run.resolve().name,
        corruption=None if corrupt is None else corruption(corrupt),
        repeat=f"taciturn fit {recipe} -o again" if recipe.is_file() else "",
        seed=stored.training.seed,
    )
    made.save(page)
    made.save_json(page.with_suffix(".json"))
    lines = [
        ("verdict", made.verdict.sentence),
        *_notes(made),
        ("written", _written(page)),
    ]
    show(str(run), lines)


def _notes(made: "Report | OutlierReport") -> list[tuple[str, str]]:
    """Return the lines of a report's warnings and of its suggestion."""
    warnings = [("warning", f"{warning.what} {warning.mend}") for warning in made.verdict.warnings]
    return [*warnings, *([("note", made.suggestion)] if made.suggestion else [])]


def _written(page: Path) -> str:
    return f"{page} and {page.with_suffix('.json').name}"


def _label_name(labels: str) -> str:
    """Return the name of the labels in FILE or FILE:COLUMN: the column's, else the file's without its ending."""
    file, column = split_column(labels)
    return column or Path(file.partition(":")[0]).stem
