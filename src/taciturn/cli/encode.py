"""taciturn encode: codes of rows."""

from .app import Command, app
from .options import Data, Out, RunFolder, TextOptions, Threads, check_out, rows_for, use_threads, with_text_options


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def encode(run: RunFolder, data: Data = None, *, out: Out, text: TextOptions, threads: Threads = None) -> None:
    """Write the codes of rows, in the format of the file's ending; tables keep row labels.

    In an .npz file, the codes of a model whose codes can be 0 are one SciPy CSR array, for scipy.sparse.load_npz.

    [dim]Examples:[/]

      taciturn encode runs/digits digits -o codes.parquet

      taciturn encode runs/table new.csv -o codes.csv
    """
    from .. import artifact, inference
    from ..data.sources import ids_of, write_path, write_sparse
    from ..model import Capability

    use_threads(threads)
    stored = artifact.load(run)
    check_out(out, data or stored.rows.source)
    source = rows_for(stored, data, text)
    codes, layout = inference.encode(stored.model, source), stored.model.layout
    n_latents = layout.widths[-1]
    if out.suffix.lower() == ".npz" and Capability.ZERO_CODES in layout.coder.provides:
        write_sparse(out, map(inference.to_csr, codes), n_rows=len(source), n_columns=n_latents)
        return
    names = [f"latent_{i}" for i in range(n_latents)]
    write_path(
        out, (block.dense().cpu().numpy() for block in codes), n_rows=len(source), columns=names, ids=ids_of(source)
    )
