"""taciturn denoise: reconstructions of rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .app import Command, app
from .denoise_images import denoise_files
from .denoise_signals import denoise_signal_files
from .options import Data, RunFolder, TextOptions, Threads, use_threads, with_text_options
from .out import Out, Overwrite, ShardFormat, ShardRows, place, write_out
from .run_rows import rows_for

if TYPE_CHECKING:
    from ..data.sources import Source

TABLE_ENDINGS = (".csv", ".parquet", ".feather", ".arrow")


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def denoise(
    run: RunFolder,
    data: Data = None,
    *,
    out: Out,
    shard_rows: ShardRows = None,
    shard_format: ShardFormat = None,
    overwrite: Overwrite = False,
    text: TextOptions,
    threads: Threads = None,
) -> None:
    """Write the reconstructions of rows, in the rows' own units; tables keep their column names and row labels.

    A folder gets shards and a manifest; the same command again goes on at the first missing shard. A denoiser of
    images writes images, with their transparency and metadata, one of signals files as they were; a folder gets files
    of the same names.

    [dim]Examples:[/]

      taciturn denoise runs/digits noisy.npy -o clean.npy

      taciturn denoise runs/table noisy.csv -o clean.csv

      taciturn denoise runs/big noisy.npy -o clean --shard-rows 100000

      taciturn denoise runs/photos photo.png -o clean.png

      taciturn denoise runs/ecg noisy.npy -o clean.npy
    """
    import numpy as np

    from .. import artifact, inference
    from ..data.sources import SHARD_ENDINGS, Subset, ids_of, row_writer, table_writer, write_path
    from ..data.variables import write_rows

    use_threads(threads)
    stored = artifact.load(run)
    if (crops := stored.rows_name) != "rows":
        denoise_kind = denoise_files if crops == "patches" else denoise_signal_files
        denoise_kind(stored, data, out, overwrite=overwrite)
        return
    variables = None if stored.rows.variables is None or stored.rows.variables.plain else stored.rows.variables
    endings, writer = (SHARD_ENDINGS, row_writer) if variables is None else (TABLE_ENDINGS, table_writer)
    where = place(out, shard_rows, shard_format, overwrite, data or stored.rows.source, endings=endings, writer=writer)
    inference.require_own_targets(stored.model, f"write their estimates: taciturn predict {run}")
    source = rows_for(stored, data, text)

    def denoised(rows: "Source") -> Any:
        return inference.denoise(stored.model, rows)

    def write(path: Path, rows: "Source") -> None:
        blocks, ids = inference.of_any_count(denoised, rows), ids_of(rows)
        if variables is not None:
            write_rows(path, variables, blocks, ids)
        else:
            columns, integers = rows.columns, stored.rows.integer_columns
            write_path(path, blocks, n_rows=len(rows), columns=columns, shape=rows.shape, ids=ids, integers=integers)

    first = next(denoised(Subset(source, np.arange(1))))
    columns = source.columns if variables is None else map(str, variables.names)
    content = {
        "command": "denoise",
        "dtype": first.dtype.name if variables is None else "table",
        "shape": list(source.shape),
        "columns": None if columns is None else list(columns),
    }
    write_out(where, source, write, run=run, row_numbers=stored.model.layout.widths[0], content=content)
