"""taciturn encode: codes of rows, or other features."""

from functools import partial
from typing import Annotated

import typer

from ..core.errors import RecipeError
from .app import Command, app
from .encoding import Encoding
from .on_ray import Engine, Memory, Workers, shards_on_ray
from .options import Data, RunFolder, TextOptions, Threads, use_threads, with_text_options
from .out import Out, Overwrite, ShardFormat, ShardRows, place, write_out

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
    engine: Engine = None,
    workers: Workers = None,
    memory: Memory = None,
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

      taciturn encode runs/big s3://bucket/rows -o s3://bucket/codes

      taciturn encode runs/big rows/ -o codes --engine ray
    """
    from ..data.sources import SHARD_ENDINGS, row_writer

    use_threads(threads)
    endings, writer = (SPARSE_ENDINGS, _check_sparse) if sparse else (SHARD_ENDINGS, row_writer)
    encoding = Encoding(run, data, text, outputs)
    sources = data or encoding.stored.rows.source
    where = place(out, shard_rows, shard_format, overwrite, sources, endings=endings, writer=writer)
    if engine is not None and not where.is_folder:
        raise RecipeError(
            f"--engine {engine} writes a folder of shards; give --out a name without an ending, not {out}"
        )
    encoding.open(where.ending, sparse)
    elsewhere = None if engine is None else partial(shards_on_ray, encoding, out, workers=workers, memory=memory)
    write_out(
        where,
        encoding.source,
        encoding.write,
        run=run,
        row_numbers=None if encoding.sparse else len(encoding.names),
        content=encoding.content,
        elsewhere=elsewhere,
    )


def _check_sparse(path: str) -> None:
    """Raise RecipeError unless sparse codes can be written into a file."""
    if not path.lower().endswith(SPARSE_ENDINGS):
        raise RecipeError(f"{path}: sparse codes are written as {' or '.join(SPARSE_ENDINGS)}")
