"""taciturn encode: codes of rows, or other features."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import RecipeError
from .app import Command, app
from .options import Data, RunFolder, TextOptions, Threads, rows_for, use_threads, with_text_options
from .out import Out, Overwrite, ShardFormat, ShardRows, place, write_out

if TYPE_CHECKING:
    from ..data.sources import Source

SPARSE_ENDINGS = (".npz", ".parquet")


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
    sparse: Annotated[
        bool | None,
        typer.Option(
            "--sparse/--dense",
            help="Write only entries other than 0: .npz as a SciPy CSR array, .parquet as lists of indices and values. "
            "By default .npz files of codes that can be 0 are sparse.",
            show_default=False,
        ),
    ] = None,
    shard_rows: ShardRows = None,
    shard_format: ShardFormat = None,
    overwrite: Overwrite = False,
    text: TextOptions,
    threads: Threads = None,
) -> None:
    """Write the codes of rows, in the format of the file's ending; tables keep row labels.

    In an .npz file, codes that can be 0 are one SciPy CSR array, for scipy.sparse.load_npz; so are sparse rows beside
    their codes. A folder gets shards and a manifest; the same command again goes on at the first missing shard.

    [dim]Examples:[/]

      taciturn encode runs/digits digits -o codes.parquet

      taciturn encode runs/table new.csv -o features.csv --outputs input+codes

      taciturn encode runs/big rows.npy -o codes --format parquet --sparse
    """
    import numpy as np

    from .. import artifact, inference
    from ..data.sources import SHARD_ENDINGS, Subset, ids_of, is_sparse, row_writer, write_path, write_sparse
    from ..model import Capability

    use_threads(threads)
    stored = artifact.load(run)
    outputs = inference.check_outputs(outputs or stored.estimator.parameters.get("outputs", "codes"))
    endings, writer = (SPARSE_ENDINGS, _check_sparse) if sparse else (SHARD_ENDINGS, row_writer)
    where = place(out, shard_rows, shard_format, overwrite, data or stored.rows.source, endings=endings, writer=writer)
    source = rows_for(stored, data, text)
    layout = stored.model.layout
    if sparse is None:
        has_zeros = is_sparse(source) if outputs == "input+codes" else Capability.ZERO_CODES in layout.coder.provides
        sparse = has_zeros and where.ending == ".npz" and outputs != "hidden"
    columns = source.columns or [f"x{i}" for i in range(layout.widths[0])]
    names = inference.feature_names(layout, outputs, columns, [f"latent_{i}" for i in range(layout.widths[-1])])

    def features(rows: "Source") -> Any:
        return inference.features(stored.model, rows, outputs, sparse=bool(sparse))

    def write(path: Path, rows: "Source") -> None:
        blocks, ids = inference.of_any_count(features, rows), ids_of(rows)
        if sparse:
            write_sparse(path, blocks, n_rows=len(rows), n_columns=len(names), ids=ids)
        else:
            integers = stored.rows.integer_columns if outputs == "input+codes" else []
            write_path(path, blocks, n_rows=len(rows), columns=names, ids=ids, integers=integers)

    first = next(features(Subset(source, np.arange(1))))
    content = {"command": "encode", "outputs": outputs, "sparse": sparse, "dtype": first.dtype.name}
    row_numbers = None if sparse else len(names)
    write_out(where, source, write, run=run, row_numbers=row_numbers, content=content | {"columns": names})


def _check_sparse(path: Path) -> None:
    """Raise RecipeError unless sparse codes can be written into a file."""
    if path.suffix.lower() not in SPARSE_ENDINGS:
        raise RecipeError(f"{path}: sparse codes are written as {' or '.join(SPARSE_ENDINGS)}")
