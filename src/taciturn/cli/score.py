"""taciturn score: how unlike the training rows each row is, and why."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    use_threads,
    with_text_options,
)
from .out import Overwrite, ShardFormat, ShardRows, place, write_out
from .outlier_page import page_files, write_page
from .run_rows import rows_for

if TYPE_CHECKING:
    import pyarrow

    from ..data.sources import Batches, Source
    from ..estimators import AutoencoderOutlierDetector
    from ..report import Reason

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
        str,
        typer.Option(
            "--out",
            "-o",
            help="The table to write, such as scores.csv; or a folder of shards, without an ending. Also a URL.",
            metavar="PATH",
        ),
    ],
    shard_rows: ShardRows = None,
    shard_format: ShardFormat = None,
    overwrite: Overwrite = False,
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
    for file in page_files(page):
        check_out(file, sources)
    source, counts = rows_for(stored, data, text), {"outliers": 0, "rows": 0}

    def write(path: Path, rows: "Source") -> None:
        table_writer(path)(path, _scores(detector, rows, counts))

    write_out(where, source, write, run=run, row_numbers=LINE_NUMBERS, content={"command": "score"})
    if page is not None:
        write_page(detector, stored, source, page, data, texts=texts, row_id=row_id, text=text, name=run.resolve().name)
    files = out if page is None else f"{out}, {page} and {page.with_suffix('.json').name}"
    scored = "rows" if counts["rows"] == len(source) else "rows that were scored now"
    typer.echo(f"{counts['outliers']:,} of {counts['rows']:,} {scored} are outliers; written to {files}", err=True)


def _scores(detector: "AutoencoderOutlierDetector", source: "Source", counts: dict[str, int]) -> "Batches":
    """Return the table of scores of rows, some at a time: as many as are compared with training rows at once."""
    import numpy as np
    import pyarrow as pa

    from ..data.sources import Batches, Subset, ids_of
    from ..estimators.outliers import BLOCK_NUMBERS
    from ..report import reasons_of

    size = max(BLOCK_NUMBERS // int(np.prod(source.shape)), 1)
    texts = [(f"reason_{number}", pa.string()) for number in range(1, N_REASONS + 1)]
    schema = pa.schema([("score", pa.float64()), ("p_value", pa.float64()), ("outlier", pa.int64()), *texts])

    def batches() -> "Iterator[pyarrow.RecordBatch]":
        for start in range(0, len(source), size):
            rows = Subset(source, np.arange(start, min(start + size, len(source))))
            scores, p_values = detector._scored(rows)
            outliers = (scores < detector.offset_).nonzero()[0]
            reasons = {}
            if len(outliers):
                cells = detector.explain(Subset(rows, outliers))
                reasons = {
                    row: _texts(reasons_of(*parts)) for row, *parts in zip(outliers.tolist(), *cells, strict=True)
                }
            counts["rows"] += len(rows)
            counts["outliers"] += len(outliers)
            columns: list[Any] = [
                scores,
                [None] * len(rows) if p_values is None else p_values,
                [int(row in reasons) for row in range(len(rows))],
            ]
            for number in range(N_REASONS):
                columns.append([reasons[row][number] or None if row in reasons else None for row in range(len(rows))])
            yield pa.record_batch(
                [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema
            )

    return Batches(schema, batches(), ids_of(source))


def _texts(reasons: list["Reason"]) -> list[str]:
    """Return reasons as texts, as many as fit the file; "" where there is none."""
    texts = [f"{each.column}: {_text(each.value)}, expected {_text(each.expected)}" for each in reasons]
    return texts + [""] * (N_REASONS - len(texts))


def _text(value: str | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
