"""taciturn score: how unlike the training rows each row is, and why."""

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import Command, app
from .options import Data, RunFolder, TextOptions, Threads, rows_for, use_threads, with_text_options
from .out import Overwrite, ShardFormat, ShardRows, place, write_out

if TYPE_CHECKING:
    import pyarrow

    from ..data.sources import Source
    from ..estimators import AutoencoderOutlierDetector

N_REASONS = 3
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
            "--out", "-o", help="The .csv or .parquet file to write, or a folder of such shards, without an ending."
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
    from ..estimators import AutoencoderOutlierDetector, load

    use_threads(threads)
    detector = load(run)
    if not isinstance(detector, AutoencoderOutlierDetector):
        kind = type(detector).__name__
        raise RecipeError(f"{run} holds a {kind}, not an outlier detector; train one: taciturn fit DATA --outliers")
    stored = detector.to_artifact()
    sources = data or stored.rows.source
    where = place(out, shard_rows, shard_format, overwrite, sources, endings=(".csv", ".parquet"))
    source, counts = rows_for(stored, data, text), {"outliers": 0, "rows": 0}

    def write(path: Path, rows: "Source") -> None:
        _write(path, _counted(_tables(detector, rows), counts))

    write_out(where, source, write, run=run, row_numbers=LINE_NUMBERS, content={"command": "score"})
    scored = "rows" if counts["rows"] == len(source) else "rows that were scored now"
    typer.echo(f"{counts['outliers']:,} of {counts['rows']:,} {scored} are outliers; written to {out}", err=True)


def _tables(detector: "AutoencoderOutlierDetector", source: "Source") -> "Iterator[pyarrow.Table]":
    """Yield the scores of some rows at a time: as many as the detector compares with its training rows at once."""
    import numpy as np
    import pyarrow as pa

    from ..data.sources import Subset, ids_of
    from ..estimators.outliers import BLOCK_NUMBERS

    ids, size = ids_of(source), max(BLOCK_NUMBERS // int(np.prod(source.shape)), 1)
    labels = None if ids is None else pa.array(ids)
    for start in range(0, len(source), size):
        rows = Subset(source, np.arange(start, min(start + size, len(source))))
        scores = detector.score_samples(rows)
        p_values = detector.p_values(rows) if detector.n_calibration_ else [None] * len(rows)
        is_outlier = scores < detector.offset_
        reasons = [[""] * N_REASONS] * len(rows)
        if is_outlier.any():
            indices = is_outlier.nonzero()[0]
            for row, *cells in zip(indices.tolist(), *detector.explain(Subset(rows, indices)), strict=True):
                reasons[row] = _reasons(*cells)
        columns = {} if labels is None else {"": labels[start : start + size]}  # a first column without a name
        columns |= {"score": pa.array(scores), "p_value": pa.array(p_values, pa.float64())}
        columns["outlier"] = pa.array(is_outlier.astype(np.int64))
        for number in range(N_REASONS):
            columns[f"reason_{number + 1}"] = pa.array([texts[number] for texts in reasons], pa.string())
        yield pa.table(columns)


def _write(path: Path, tables: "Iterator[pyarrow.Table]") -> None:
    """Write tables into one file, one after another."""
    import pyarrow.parquet as pq

    from ..core.atomic import atomic

    first = next(tables)
    with atomic(path) as temporary:
        if path.suffix.lower() == ".parquet":
            with temporary.open("wb") as binary, pq.ParquetWriter(binary, first.schema) as writer:
                for table in chain([first], tables):
                    writer.write_table(table)
            return
        with temporary.open("w", encoding="utf-8", newline="") as text:
            lines = csv.writer(text, lineterminator="\n")
            lines.writerow(first.column_names)
            for table in chain([first], tables):
                lines.writerows(zip(*(map(_cell, column.to_pylist()) for column in table.columns), strict=True))


def _cell(value: Any) -> Any:
    return "" if value is None else repr(value) if isinstance(value, float) else value


def _counted(tables: "Iterator[pyarrow.Table]", counts: dict[str, int]) -> "Iterator[pyarrow.Table]":
    """Yield tables; count their rows and the outliers among them."""
    for table in tables:
        counts["rows"] += len(table)
        counts["outliers"] += sum(table["outlier"].to_pylist())
        yield table


def _reasons(columns: Any, values: Any, expected: Any, contributions: Any) -> list[str]:
    """Return the texts of a row's first cells, as many as fit the file; "" for a cell that is no reason."""
    cells = [*zip(columns, values, expected, contributions, strict=True)][:N_REASONS]
    texts = [
        f"{name}: {_text(value)}, expected {_text(other)}" if gain > 0 else "" for name, value, other, gain in cells
    ]
    return texts + [""] * (N_REASONS - len(texts))


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
