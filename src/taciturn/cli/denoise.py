"""taciturn denoise: reconstructions of rows."""

from .app import Command, app
from .options import Data, Out, RunFolder, TextOptions, Threads, check_out, rows_for, use_threads, with_text_options


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def denoise(run: RunFolder, data: Data = None, *, out: Out, text: TextOptions, threads: Threads = None) -> None:
    """Write the reconstructions of rows, in the rows' own units; tables keep their column names and row labels.

    [dim]Examples:[/]

      taciturn denoise runs/digits noisy.npy -o clean.npy

      taciturn denoise runs/table noisy.csv -o clean.csv
    """
    from .. import artifact, inference
    from ..data.sources import ids_of, write_path
    from ..data.variables import write_rows

    use_threads(threads)
    stored = artifact.load(run)
    check_out(out, data or stored.rows.source)
    source = rows_for(stored, data, text)
    blocks, ids = inference.denoise(stored.model, source), ids_of(source)
    if stored.rows.variables is not None and not stored.rows.variables.plain:
        write_rows(out, stored.rows.variables, blocks, ids)
    else:
        integers = stored.rows.integer_columns
        write_path(
            out, blocks, n_rows=len(source), columns=source.columns, shape=source.shape, ids=ids, integers=integers
        )
