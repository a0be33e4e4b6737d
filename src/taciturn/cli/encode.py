"""taciturn encode: from rows to codes."""

from .app import Command, app
from .options import Data, Out, RunFolder, Threads, rows_for, use_threads


@app.command(cls=Command, no_args_is_help=True)
def encode(run: RunFolder, data: Data = None, *, out: Out, threads: Threads = None) -> None:
    """Write the codes of rows, in the format that the file's ending asks for.

    As .npz, codes of which most are 0 are one SciPy CSR array, for scipy.sparse.load_npz.

    [dim]Examples:[/]

      taciturn encode runs/digits digits -o codes.parquet

      taciturn encode runs/table new.csv -o codes.csv
    """
    from .. import artifact, inference
    from ..data.sources import write_path, write_sparse
    from ..model import Capability

    use_threads(threads)
    kept = artifact.load(run)
    source = rows_for(kept, data)
    codes, n_latents = inference.encode(kept.model, source), kept.model.layout.widths[-1]
    if out.suffix.lower() == ".npz" and Capability.ZERO_CODES in kept.model.layout.coder.provides:
        write_sparse(out, map(inference.to_csr, codes), n_rows=len(source), n_columns=n_latents)
        return
    names = [f"latent_{i}" for i in range(n_latents)]
    write_path(out, (block.dense().cpu().numpy() for block in codes), n_rows=len(source), columns=names)
