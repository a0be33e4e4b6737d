"""Where encode, denoise and score write: a file, or a folder of shards."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ..core.errors import RecipeError
from .options import check_out, rows_file

if TYPE_CHECKING:
    from ..data.sources import Source
    from ..data.sources.manifest import WriteMissing

SHARD_NUMBERS = 1 << 26  # of a shard, if nothing else is given: 256 MB in float32
SPARSE_SHARD_ROWS = 1 << 16

Out = Annotated[
    str,
    typer.Option(
        "--out",
        "-o",
        help="The file to write: {writable}; or a folder of shards, without an ending. Also a URL: s3://, gs:// or hf://.",
        metavar="PATH",
    ),
]
ShardRows = Annotated[
    int | None,
    typer.Option(
        "--shard-rows",
        min=1,
        help="Rows of each shard of a folder; by default as many as take 256 MB, of sparse ones 65,536.",
        show_default=False,
    ),
]
ShardFormat = Annotated[
    str | None,
    typer.Option(
        "--format", help="Format of the shards of a folder: npy, npz, parquet, …", show_default="npy; of scores csv"
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the shards of another model, or of other rows, in the folder.")
]


class Place(NamedTuple):
    """Where a command writes.

    Parameters
    ----------
    path : str
        A file or a folder, or its URL.
    ending : str
        The ending of the file, or of a folder's shards, such as ".npy".
    is_folder : bool
        Whether it is a folder of shards.
    shard_rows : int or None
        Rows of each shard; None: not given.
    overwrite : bool
        Whether shards of other content are replaced.
    """

    path: str
    ending: str
    is_folder: bool
    shard_rows: int | None
    overwrite: bool


def place(
    out: str,
    shard_rows: int | None,
    shard_format: str | None,
    overwrite: bool,
    *sources: str | None,
    endings: tuple[str, ...],
    writer: Callable[[str], object],
) -> Place:
    """Return where a command writes, checked before the work.

    Parameters
    ----------
    out : str
        The value of --out: a folder if its name has no ending.
    shard_rows, shard_format, overwrite
        The values of --shard-rows, --format and --overwrite.
    *sources : str or None
        Files that the command reads, and data sets' names.
    endings : tuple of str
        The endings of shards that can be written, the default first.
    writer : callable
        Raises RecipeError for a file that cannot be written.

    Raises
    ------
    RecipeError
        The ending is unknown, or not that of a folder; or what the command reads would be replaced.
    TaciturnError
        The store of a URL does not answer, or refuses.
    """
    from ..data.sources import check_url, is_url

    if not is_url(out):
        check_out(Path(out), *sources)
    suffix = Path(out).suffix.lower()
    if suffix:
        if shard_rows is not None or shard_format is not None or overwrite:
            option = "--format" if shard_format else "--overwrite" if overwrite else "--shard-rows"
            raise RecipeError(f"{option} is for folders of shards; give --out a name without an ending, not {out}")
        writer(out)
        if is_url(out):
            check_url(out)
        return Place(out, suffix, False, None, False)
    ending = endings[0] if shard_format is None else f".{shard_format.lower().removeprefix('.')}"
    if ending not in endings:
        raise RecipeError(f"--format {shard_format} is none of {', '.join(each[1:] for each in endings)}")
    if is_url(out):
        check_url(out)
        return Place(out, ending, True, shard_rows, overwrite)
    for file in (os.path.realpath(rows_file(source)) for source in sources if source):
        if os.path.exists(file) and Path(file).is_relative_to(os.path.realpath(out)):
            raise RecipeError(f"{out} is read by this command; choose another folder (--out)")
    return Place(out, ending, True, shard_rows, overwrite)


def write_out(
    place: Place,
    source: "Source",
    write: Callable[[Path, "Source"], None],
    *,
    run: Path,
    row_numbers: int | None,
    content: dict[str, Any],
    elsewhere: "WriteMissing | None" = None,
) -> None:
    """Write a file, or a folder of shards, of which only the missing ones are computed.

    Parameters
    ----------
    place : Place
        Where.
    source : Source
        All rows that the command reads.
    write : callable
        Writes one file: (path, rows).
    run : Path
        The run's folder.
    row_numbers : int or None
        How many numbers a row of the output has; None if it is sparse.
    content : dict
        What else decides the output, as plain values.
    elsewhere : callable or None
        Writes the missing shards in other processes, in place of `write`; see `write_shards`.
    """
    from ..core.checksum import checksum
    from ..data.fingerprint import fingerprint
    from ..data.sources import is_url, uploaded, write_shards

    if not place.is_folder:
        with uploaded(place.path, keep=True) if is_url(place.path) else nullcontext(Path(place.path)) as path:
            write(path, source)
        return

    rows = SPARSE_SHARD_ROWS if row_numbers is None else max(SHARD_NUMBERS // row_numbers, 1)
    # config.json has the checksums of all other files of the model
    identity = {"model": checksum(run / "config.json")[:16], "data": fingerprint(source).text}
    written = write_shards(
        place.path,
        source,
        write,
        rows_per_shard=place.shard_rows or rows,
        ending=place.ending,
        content={"command": content["command"]} | identity | content,
        overwrite=place.overwrite,
        elsewhere=elsewhere,
    )
    there = f", {written.found:,} of them there before" if written.found else ""
    typer.echo(f"{place.path}: {written.shards:,} shards{there}", err=True)
