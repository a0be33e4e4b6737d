"""taciturn score: how unlike the training rows each row is, and why."""

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from .app import Command, app
from .options import Data, RunFolder, TextOptions, Threads, check_out, rows_for, use_threads, with_text_options

N_REASONS = 3


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def score(
    run: RunFolder,
    data: Data = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .csv file to write, with a line for each row.")],
    text: TextOptions,
    threads: Threads = None,
) -> None:
    """Score rows with an outlier detector: score, p-value, whether the row is an outlier, and its three main reasons.

    A reason is a column with the row's value and the value that was expected there. Rows that are not outliers have
    none. The score is low for outliers. The detector is trained by `taciturn fit DATA --outliers`.

    [dim]Example:[/]

      taciturn score runs/table new.csv -o scores.csv
    """
    from ..core.atomic import atomic
    from ..core.errors import RecipeError
    from ..data.sources import Subset, ids_of
    from ..estimators import AutoencoderOutlierDetector, load

    if out.suffix.lower() != ".csv":
        raise RecipeError(f"{out}: scores are written as .csv only; choose such a name (--out)")
    use_threads(threads)
    detector = load(run)
    if not isinstance(detector, AutoencoderOutlierDetector):
        kind = type(detector).__name__
        raise RecipeError(f"{run} holds a {kind}, not an outlier detector; train one: taciturn fit DATA --outliers")
    stored = detector.to_artifact()
    check_out(out, data or stored.rows.source)
    source = rows_for(stored, data, text)
    scores, ids = detector.score_samples(source), ids_of(source)
    outliers = (scores < detector.offset_).nonzero()[0]
    reasons = {}
    if len(outliers):
        cells = detector.explain(Subset(source, outliers))
        reasons = {row: _reasons(*parts) for row, *parts in zip(outliers.tolist(), *cells, strict=True)}
    p_values = map(repr, detector.p_values(source).tolist()) if detector.n_calibration_ else [""] * len(source)
    with atomic(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        label = [] if ids is None else [""]  # row labels are a first column without a name
        names = [f"reason_{number}" for number in range(1, N_REASONS + 1)]
        lines.writerow([*label, "score", "p_value", "outlier", *names])
        for row, (value, p_value) in enumerate(zip(scores.tolist(), p_values, strict=True)):
            line = [repr(value), p_value, int(row in reasons), *reasons.get(row, [""] * N_REASONS)]
            lines.writerow(line if ids is None else [ids[row], *line])
    typer.echo(f"{len(outliers):,} of {len(source):,} rows are outliers; written to {out}", err=True)


def _reasons(columns: Any, values: Any, expected: Any, contributions: Any) -> list[str]:
    """Return the texts of a row's first cells, as many as fit the file; "" for a cell that is no reason."""
    cells = [*zip(columns, values, expected, contributions, strict=True)][:N_REASONS]
    texts = [
        f"{name}: {_text(value)}, expected {_text(other)}" if gain > 0 else "" for name, value, other, gain in cells
    ]
    return texts + [""] * (N_REASONS - len(texts))


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
