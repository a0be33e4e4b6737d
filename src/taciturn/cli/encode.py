"""taciturn encode: codes of rows, or other features."""

from typing import Annotated

import typer

from .app import Command, app
from .options import Data, Out, RunFolder, TextOptions, Threads, check_out, rows_for, use_threads, with_text_options


@app.command(cls=Command, no_args_is_help=True)
@with_text_options
def encode(
    run: RunFolder,
    data: Data = None,
    *,
    out: Out,
    outputs: Annotated[
        str | None,
        typer.Option(
            help="codes, hidden (the activations of all hidden layers) or input+codes (the rows and their codes); by "
            "default as the model has it."
        ),
    ] = None,
    text: TextOptions,
    threads: Threads = None,
) -> None:
    """Write the codes of rows, in the format of the file's ending; tables keep row labels.

    In an .npz file, codes that can be 0 are one SciPy CSR array, for scipy.sparse.load_npz; so are sparse rows beside
    their codes.

    [dim]Examples:[/]

      taciturn encode runs/digits digits -o codes.parquet

      taciturn encode runs/table new.csv -o features.csv --outputs input+codes
    """
    from .. import artifact, inference
    from ..data.sources import ids_of, is_sparse, write_path, write_sparse
    from ..model import Capability

    use_threads(threads)
    stored = artifact.load(run)
    outputs = inference.check_outputs(outputs or stored.estimator.parameters.get("outputs", "codes"))
    check_out(out, data or stored.rows.source)
    source = rows_for(stored, data, text)
    layout = stored.model.layout
    sparse = is_sparse(source) if outputs == "input+codes" else Capability.ZERO_CODES in layout.coder.provides
    sparse = sparse and out.suffix.lower() == ".npz" and outputs != "hidden"
    blocks = inference.features(stored.model, source, outputs, sparse=sparse)
    columns = source.columns or [f"x{i}" for i in range(layout.widths[0])]
    names = inference.feature_names(layout, outputs, columns, [f"latent_{i}" for i in range(layout.widths[-1])])
    if sparse:
        write_sparse(out, blocks, n_rows=len(source), n_columns=len(names))
    else:
        integers = stored.rows.integer_columns if outputs == "input+codes" else []
        write_path(out, blocks, n_rows=len(source), columns=names, ids=ids_of(source), integers=integers)
