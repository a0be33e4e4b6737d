"""taciturn score: how unlike the training rows each row is, and why."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import Command, app
from .options import (
    Data,
    RowId,
    RowTexts,
    RunFolder,
    TextOptions,
    Threads,
    check_out,
    rows_for,
    use_threads,
    with_text_options,
)
from .outlier_page import page_files, write_page

if TYPE_CHECKING:
    from ..report import Reason

N_REASONS = 3


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def score(
    run: RunFolder,
    data: Data = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .csv file to write, with a line for each row.")],
    page: Annotated[
        Path | None,
        typer.Option("--report", help="Also write a page on the outliers, an .html file, and its numbers beside it."),
    ] = None,
    texts: RowTexts = None,
    row_id: RowId = None,
    text: TextOptions,
    threads: Threads = None,
) -> None:
    """Score rows with an outlier detector: score, p-value, whether the row is an outlier, and its three main reasons.

    A reason is a column with the row's value and the value that was expected there. Rows that are not outliers have
    none. The score is low for outliers. The detector is trained by `taciturn fit DATA --outliers`.

    [dim]Examples:[/]

      taciturn score runs/table new.csv -o scores.csv

      taciturn score runs/table new.csv -o scores.csv --report outliers.html
    """
    from ..core.atomic import atomic
    from ..core.errors import RecipeError
    from ..data.sources import Subset, ids_of
    from ..estimators import AutoencoderOutlierDetector, load
    from ..report import reasons_of

    if out.suffix.lower() != ".csv":
        raise RecipeError(f"{out}: scores are written as .csv only; choose such a name (--out)")
    use_threads(threads)
    detector = load(run)
    if not isinstance(detector, AutoencoderOutlierDetector):
        kind = type(detector).__name__
        raise RecipeError(f"{run} holds a {kind}, not an outlier detector; train one: taciturn fit DATA --outliers")
    stored = detector.to_artifact()
    for file in (out, *page_files(page)):
        check_out(file, data or stored.rows.source)
    source = rows_for(stored, data, text)
    scores, ids = detector.score_samples(source), ids_of(source)
    outliers = (scores < detector.offset_).nonzero()[0]
    reasons = {}
    if len(outliers):
        cells = detector.explain(Subset(source, outliers))
        reasons = {row: _texts(reasons_of(*parts)) for row, *parts in zip(outliers.tolist(), *cells, strict=True)}
    p_values = map(repr, detector.p_values(source).tolist()) if detector.n_calibration_ else [""] * len(source)
    with atomic(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as opened:
        lines = csv.writer(opened, lineterminator="\n")
        label = [] if ids is None else [""]  # row labels are a first column without a name
        names = [f"reason_{number}" for number in range(1, N_REASONS + 1)]
        lines.writerow([*label, "score", "p_value", "outlier", *names])
        for row, (value, p_value) in enumerate(zip(scores.tolist(), p_values, strict=True)):
            line = [repr(value), p_value, int(row in reasons), *reasons.get(row, [""] * N_REASONS)]
            lines.writerow(line if ids is None else [ids[row], *line])
    if page is not None:
        write_page(detector, stored, source, page, data, texts=texts, row_id=row_id, text=text, name=run.resolve().name)
    where = out if page is None else f"{out}, {page} and {page.with_suffix('.json').name}"
    typer.echo(f"{len(outliers):,} of {len(source):,} rows are outliers; written to {where}", err=True)


def _texts(reasons: list["Reason"]) -> list[str]:
    """Return reasons as texts, as many as fit the file; "" where there is none."""
    texts = [f"{each.column}: {_text(each.value)}, expected {_text(each.expected)}" for each in reasons]
    return texts + [""] * (N_REASONS - len(texts))


def _text(value: str | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
