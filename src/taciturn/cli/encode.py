"""taciturn encode: from rows to codes."""

from .app import app
from .options import Data, Out, RunFolder, Threads, rows_for, use_threads


@app.command(no_args_is_help=True)
def encode(run: RunFolder, data: Data = None, *, out: Out, threads: Threads = None) -> None:
    """Write the codes of rows, in the format that the file's ending asks for.

    [dim]Examples:[/]

      taciturn encode runs/digits digits -o codes.parquet

      taciturn encode runs/table new.csv -o codes.csv
    """
    from .. import artifact
    from .. import encode as encoding
    from ..sources import write_path

    use_threads(threads)
    kept = artifact.load(run)
    source = rows_for(kept, data)
    codes = (block.dense().cpu().numpy() for block in encoding.encode(kept.model, source))
    names = [f"latent_{i}" for i in range(kept.model.layout.widths[-1])]
    write_path(out, codes, n_rows=len(source), columns=names)
