"""taciturn score: how unlike the training rows each row is, and why."""

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
    out: Annotated[Path, typer.Option("--out", "-o", help="The table to write, such as scores.csv: a line per row.")],
    text: TextOptions,
    threads: Threads = None,
) -> None:
    """Score rows with an outlier detector: score, p-value, whether the row is an outlier, and its three main reasons.

    A reason is a column with the row's value and the value that was expected there. Rows that are not outliers have
    none. The score is low for outliers. The detector is trained by `taciturn fit DATA --outliers`.

    [dim]Example:[/]

      taciturn score runs/table new.csv -o scores.csv
    """
    import pyarrow as pa

    from ..core.errors import RecipeError
    from ..data.sources import Subset, ids_of, table_writer, write_table
    from ..estimators import AutoencoderOutlierDetector, load

    table_writer(out)  # the ending, before the work
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
    p_values = detector.p_values(source) if detector.n_calibration_ else [None] * len(source)
    table: dict[str, Any] = {"score": scores, "p_value": pa.array(p_values, pa.float64())}
    table["outlier"] = [int(row in reasons) for row in range(len(source))]
    for number in range(N_REASONS):
        texts = [reasons[row][number] if row in reasons else "" for row in range(len(source))]
        table[f"reason_{number + 1}"] = pa.array([text or None for text in texts], pa.string())
    write_table(out, pa.table(table), ids)
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
