"""taciturn predict: estimates of the targets of rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import RecipeError
from .app import Command, app
from .options import Data, RunFolder, TextOptions, Threads, use_threads, with_text_options
from .out import Out, Overwrite, ShardFormat, ShardRows, place, write_out
from .run_rows import rows_for, was_trained_with_targets

if TYPE_CHECKING:
    from ..data.sources import Source


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def predict(
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
    """Write the estimates of the targets of rows, in the targets' own units and with their column names.

    The run was trained by `taciturn fit DATA --target TARGETS`. A folder gets shards and a manifest; the same command
    again goes on at the first missing shard.

    [dim]Examples:[/]

      taciturn predict runs/layer inputs.npy -o estimates.npy

      taciturn predict runs/table new.csv -o estimates.csv
    """
    import numpy as np

    from .. import artifact, inference
    from ..data.sources import SHARD_ENDINGS, Subset, ids_of, row_writer, write_path

    use_threads(threads)
    stored = artifact.load(run)
    if not was_trained_with_targets(stored):
        raise RecipeError(f"{run} was trained without targets; write its reconstructions: taciturn denoise {run}")
    if stored.rows.variables is not None and not stored.rows.variables.plain:
        raise RecipeError(f"{run} estimates a table with booleans or categories; write it: taciturn denoise {run}")
    sources = data or stored.rows.source
    where = place(out, shard_rows, shard_format, overwrite, sources, endings=SHARD_ENDINGS, writer=row_writer)
    source, width = rows_for(stored, data, text), stored.model.layout.n_outputs
    columns = None if stored.rows.targets is None else stored.rows.targets.columns

    def estimated(rows: "Source") -> Any:
        return inference.predict(stored.model, rows)

    def write(path: Path, rows: "Source") -> None:
        blocks, ids = inference.of_any_count(estimated, rows), ids_of(rows)
        write_path(path, blocks, n_rows=len(rows), columns=columns, shape=(width,), ids=ids)

    first = next(estimated(Subset(source, np.arange(1))))
    content = {"command": "predict", "dtype": first.dtype.name, "shape": [width], "columns": columns}
    write_out(where, source, write, run=run, row_numbers=width, content=content)
