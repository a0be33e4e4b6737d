"""taciturn score: how unlike the training rows each row is, and why."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import Command, app
from .options import Data, RunFolder, TextOptions, Threads, rows_for, use_threads, with_text_options
from .out import Overwrite, ShardFormat, ShardRows, place, write_out

if TYPE_CHECKING:
    import pyarrow

    from ..data.sources import Batches, Source
    from ..estimators import AutoencoderOutlierDetector

N_REASONS = 3
ENDINGS = (".csv", ".parquet")  # of shards
LINE_NUMBERS = 6  # of a row of the table, when the size of shards is chosen


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def score(
    run: RunFolder,
    data: Data = None,
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The table to write, such as scores.csv; or a folder of shards, without an ending."
        ),
    ],
    shard_rows: ShardRows = None,
    shard_format: ShardFormat = None,
    overwrite: Overwrite = False,
    text: TextOptions,
    threads: Threads = None,
) -> None:
    """Score rows with an outlier detector: score, p-value, whether the row is an outlier, and its three main reasons.

    A reason is a column with the row's value and the value that was expected there. Rows that are not outliers have
    none. The score is low for outliers. The detector is trained by `taciturn fit DATA --outliers`.

    [dim]Example:[/]

      taciturn score runs/table new.csv -o scores.csv
    """
    from ..core.errors import RecipeError
    from ..data.sources import table_writer
    from ..estimators import AutoencoderOutlierDetector, load

    use_threads(threads)
    detector = load(run)
    if not isinstance(detector, AutoencoderOutlierDetector):
        kind = type(detector).__name__
        raise RecipeError(f"{run} holds a {kind}, not an outlier detector; train one: taciturn fit DATA --outliers")
    stored = detector.to_artifact()
    sources = data or stored.rows.source
    where = place(out, shard_rows, shard_format, overwrite, sources, endings=ENDINGS, writer=table_writer)
    source, counts = rows_for(stored, data, text), {"outliers": 0, "rows": 0}

    def write(path: Path, rows: "Source") -> None:
        table_writer(path)(path, _scores(detector, rows, counts))

    write_out(where, source, write, run=run, row_numbers=LINE_NUMBERS, content={"command": "score"})
    scored = "rows" if counts["rows"] == len(source) else "rows that were scored now"
    typer.echo(f"{counts['outliers']:,} of {counts['rows']:,} {scored} are outliers; written to {out}", err=True)


def _scores(detector: "AutoencoderOutlierDetector", source: "Source", counts: dict[str, int]) -> "Batches":
    """Return the table of scores of rows, some at a time: as many as are compared with training rows at once."""
    import numpy as np
    import pyarrow as pa

    from ..data.sources import Batches, Subset, ids_of
    from ..estimators.outliers import BLOCK_NUMBERS

    size = max(BLOCK_NUMBERS // int(np.prod(source.shape)), 1)
    texts = [(f"reason_{number}", pa.string()) for number in range(1, N_REASONS + 1)]
    schema = pa.schema([("score", pa.float64()), ("p_value", pa.float64()), ("outlier", pa.int64()), *texts])

    def batches() -> "Iterator[pyarrow.RecordBatch]":
        for start in range(0, len(source), size):
            rows = Subset(source, np.arange(start, min(start + size, len(source))))
            scores = detector.score_samples(rows)
            p_values = detector.p_values(rows) if detector.n_calibration_ else [None] * len(rows)
            outliers = (scores < detector.offset_).nonzero()[0]
            reasons = {}
            if len(outliers):
                cells = detector.explain(Subset(rows, outliers))
                reasons = {row: _reasons(*parts) for row, *parts in zip(outliers.tolist(), *cells, strict=True)}
            counts["rows"] += len(rows)
            counts["outliers"] += len(outliers)
            columns: list[Any] = [scores, p_values, [int(row in reasons) for row in range(len(rows))]]
            for number in range(N_REASONS):
                columns.append([reasons[row][number] or None if row in reasons else None for row in range(len(rows))])
            yield pa.record_batch(
                [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema
            )

    return Batches(schema, batches(), ids_of(source))


def _reasons(columns: Any, values: Any, expected: Any, contributions: Any) -> list[str]:
    """Return the texts of a row's first cells, as many as fit the file; "" for a cell that is no reason."""
    cells = [*zip(columns, values, expected, contributions, strict=True)][:N_REASONS]
    texts = [
        f"{name}: {_text(value)}, expected {_text(other)}" if gain > 0 else "" for name, value, other, gain in cells
    ]
    return texts + [""] * (N_REASONS - len(texts))


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
