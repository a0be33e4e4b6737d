"""Readers and writers of files by the ending of the name; every error is one line that names the file."""

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import prod
from os.path import basename
from pathlib import Path
from typing import Any, Unpack

from ...core.errors import DataError, RecipeError
from ...core.messages import listed, one_line
from . import csv, feather, idx, image_files, npy, npz, parquet, pt, safetensors
from .arrow_shards import TableShard
from .blocks import Blocks
from .columns import Names, select
from .dialect import DialectOptions
from .folders import files_in, is_pattern
from .format import Format, Selection, split_key, split_key_text
from .local_file import LocalFile
from .memory import machine_bytes
from .raw_shard import ShardFile
from .shards import Shard, Shards, shard_errors
from .source import Array, Rows, Source
from .urls import files_at, is_url
from .zarr import ZarrShard, is_zarr

FORMATS: tuple[Format, ...] = (
    npy.FORMAT,
    npz.FORMAT,
    csv.FORMAT,
    parquet.FORMAT,
    feather.FORMAT,
    idx.FORMAT,
    safetensors.FORMAT,
    pt.FORMAT,
    image_files.FORMAT,
)
SHARDS = ", ".join(each.endings_text or each.ending for each in FORMATS if each.shard is not None)
MAX_IN_MEMORY_BYTES = 1 << 28  # of the files of a folder, which are streamed if they have more
HEADER_THREADS = 8  # that read headers of the files of a folder
READABLE = ", ".join(each.endings_text or each.ending for each in FORMATS)  # for messages
WRITABLE = ", ".join(
    each.endings_text if each.write_table and each.endings_text else each.ending for each in FORMATS if each.write
)
SHARD_ENDINGS = tuple(each.ending for each in FORMATS if each.write)  # that of shards by default first


def open_path(
    text: str | os.PathLike[str],
    *,
    columns: Names | None = None,
    drop: Names | None = None,
    header: bool | None = None,
    streamed: bool | None = None,
    **dialect: Unpack[DialectOptions],
) -> Source:
    """Return the rows of a file, or of the files in a folder, as a source.

    Parameters
    ----------
    text : str or path-like
        A file, whose ending gives the format: .npy, .npz, .csv, .tsv, .tab, .txt, .parquet, .feather, .arrow, .idx,
        -ubyte, .safetensors, .pt or .pth. Text tables may be compressed (.csv.gz, also .bz2, .xz, .zst), as IDX files
        (.gz). `rows.npz:key` names one array of an archive, as `rows.safetensors:key` and `rows.pt:key` do.

        A folder, or a pattern such as `rows/part-*.npy`: all its files are one source, in natural order (part-2 before
        part-10). They are of one format: .npy, .safetensors, .pt, .parquet, .feather or .arrow; or
        they are images of one size (.png, .jpg, .tif, .webp), a row each. A folder that
        Hugging Face's `datasets` saved is one, and so is a Zarr array. A URL that begins with s3://, gs:// or hf:// is
        a file, a folder or a pattern there; keys and the store's address are read from the environment.
    columns, drop
        As for `select`. Columns of a table that are left out may hold any text. A column of lists of equal length is
        several columns; alone it is the rows.
    header : bool, optional
        Whether the first line of a text table holds names. By default the rows below it decide.
    streamed : bool, optional
        Whether rows stay where they are and are read block by block. By default, those of a folder, and of
        .safetensors and .pt files, do if they take more than 256 MiB, and other files if they are larger than half of
        the memory.
    separator, decimal, thousands, quote, encoding : str, optional
        How a text table is written; see `Dialect`. What is not given is found by trying, and a `DialectFound` warning
        describes it if it is not the usual: commas (tabs in .tsv and .tab), decimal points, UTF-8.

    Returns
    -------
    Source
        An .npy file stays on the disk as a memory map; other formats are read into memory, if they are not streamed.
        An .npz file of scipy.sparse.save_npz gives `SparseRows`. Row labels of a table (a first column without a name;
        the index that pandas stores in .parquet and .feather) are no column; `ids_of` returns them. Numbers of
        bfloat16 are read as float32.

    Raises
    ------
    RecipeError
        The ending is unknown, or an option of the dialect is not possible.
    DataError
        The file is missing, empty, broken, not numeric, too large for the memory, or not a regular file; or a folder
        has no files of rows, or files of different kinds.
    UnknownColumn
        A column name is unknown.

    Examples
    --------
    >>> open_path("notes.pdf")
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: notes.pdf: ... known are .npy, .npz, .npz:KEY, .csv, .tsv, ...
    """
    file, key = split_key_text(os.fsdecode(text))
    path, selection = Path(file), Selection(key, columns, drop, header, dialect)
    if is_url(file):
        source = _source_of(_shards(one_line(file), files_at(file), selection), selection, streamed)
    elif is_zarr(path):
        with shard_errors(one_line(path)):
            source = _source_of([ZarrShard(str(path))], selection, streamed)
    elif os.path.isdir(path) or is_pattern(file):
        source = _source_of(_shards(one_line(path), files_in(file), selection), selection, streamed)
    else:
        file_format = format_of(path)
        with clear_errors(path, file_format):
            if file_format.read is not None and not _is_streamed(path, file_format, streamed):
                source = file_format.read(path, selection)
            else:
                assert file_format.shard is not None
                source = _source_of([file_format.shard(LocalFile.of(path), selection)], selection, streamed)
    if len(source) == 0 or prod(source.shape) == 0:
        empty = "columns" if len(source) else "rows"
        raise DataError(f"{one_line(path)} has no {empty}; give a file that has some")
    return source


def _is_streamed(path: Path, file_format: Format, streamed: bool | None) -> bool:
    """Return whether a file that could be read as a whole is streamed."""
    if streamed and file_format.shard is None:
        raise DataError(f"{file_format.ending} files cannot be streamed; convert it to .npy or .parquet")
    large = path.stat().st_size > machine_bytes() / 2
    return file_format.shard is not None and (large if streamed is None else streamed)


def _source_of(shards: list[Shard], selection: Selection, streamed: bool | None) -> Source:
    """Return files as a source: streamed, or read into memory if they are small."""
    rows = Shards(shards)
    n_bytes = len(rows) * prod(rows.shape) * rows.dtype.itemsize
    is_table = isinstance(shards[0], TableShard)
    source: Source = rows if is_table else select(rows, selection.columns, selection.drop)
    if n_bytes > MAX_IN_MEMORY_BYTES if streamed is None else streamed:
        return source
    return Rows(source.read(0, len(rows)).reshape(-1, *source.shape), source.columns)


def _shards(name: str, files: Sequence[ShardFile], selection: Selection) -> list[Shard]:
    """Return those of some files that hold rows, as shards; `name` is that of their folder, pattern or URL."""
    formats = {file.name: next((each for each in FORMATS if each.fits(basename(file.name))), None) for file in files}
    known = list(dict.fromkeys(each for each in formats.values() if each is not None and each.shard is not None))
    if not known:
        others = listed(sorted({each.ending for each in formats.values() if each is not None}))
        alone = f"holds {others} files, which are read one by one; name one"
        reason = alone if others else "is a folder without files of rows"
        raise DataError(f"{name} {reason}; folders may hold {SHARDS} files")
    if len(known) > 1:
        endings, example = listed([each.ending for each in known]), f"{name}/*{known[0].ending}"
        raise DataError(f"{name} holds files of different formats, {endings}; name those of one, as in {example}")
    open_shard = known[0].shard

    def shard(file: ShardFile) -> Shard:
        with shard_errors(file.name):
            if not file.n_bytes:
                raise DataError("the file is empty; remove it, or write it again")
            assert open_shard is not None
            return open_shard(file, selection)

    with ThreadPoolExecutor(HEADER_THREADS) as pool:
        shards = list(pool.map(shard, [file for file in files if formats[file.name] is known[0]]))
    if known[0] is image_files.FORMAT:
        image_files.check_alike(shards)
    return shards


@contextmanager
def clear_errors(path: Path, file_format: Format) -> Iterator[None]:
    """Check that a path is a regular file with content, and raise errors of the block, which reads it, in one line.

    Parameters
    ----------
    path : Path
        The file; messages begin with its name.
    file_format : Format
        Its format.

    Raises
    ------
    DataError
        The path is not such a file, or the block raised an error.
    """
    name = one_line(path)
    _check_file(path, name)
    try:
        yield
    except (DataError, RecipeError) as error:
        raise type(error)(f"{name}: {error}") from error
    except Warning:  # the user has turned warnings into errors
        raise
    except MemoryError as error:
        mend = "select columns, or save it as .npy, which stays on the disk"
        raise DataError(f"{name}: there is not enough memory; {mend}") from error
    except Exception as error:
        # On broken bytes a decoder may raise any error: struct, zip, zlib, Arrow, …
        reason = one_line(error) or type(error).__name__
        mend = "check that the file is complete and its ending right"
        raise DataError(f"{name} cannot be read as {file_format.ending}: {reason}; {mend}") from error


def _check_file(path: Path, name: str) -> None:
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        raise DataError(f"{name}: {'no such file' if missing else reason}; correct the name") from error
    if stat.S_ISDIR(status.st_mode):
        raise DataError(f"{name} is a folder; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{name} is a pipe or a device, not a file; write its rows into a file first")
    if status.st_size == 0:
        raise DataError(f"{name}: the file is empty; give one with rows")


def write_path(
    path: str | os.PathLike[str],
    blocks: Iterable[Array],
    *,
    n_rows: int,
    columns: Sequence[str] | None = None,
    shape: tuple[int, ...] | None = None,
    ids: Sequence[Any] | None = None,
    integers: Collection[int] = (),
) -> None:
    """Write blocks of rows into a file, in the format of its ending.

    Only one block is in memory at a time, and the file appears only when it is complete.

    Parameters
    ----------
    path : str or path-like
        The file: .npy, .npz (as the array `rows`), .safetensors (as the tensor `rows`), or a table that `open_path`
        reads: .csv, .tsv, .tab, .txt (also compressed), .parquet, .feather, .arrow. An existing one is replaced.
    blocks : iterable of arrays [rows, n_columns]
        At least one; all are written in the type of the first.
    n_rows : int
        Number of rows in all blocks together.
    columns : sequence of str, optional
        Names of the columns, for tables.
    shape : tuple of int, optional
        Shape of a row, for .npy, .npz and .safetensors: images are written as images. (n_columns,) by default.
    ids : sequence, optional
        An id for each row, for text tables (a first column without a name), .parquet and .feather (the index of a
        pandas data frame).
    integers : collection of int, default=()
        The positions of columns that a table holds as integers: their numbers are rounded.

    Raises
    ------
    RecipeError
        The ending is unknown.
    DataError
        The blocks do not fit each other, `n_rows`, `columns` or `ids`.
    TaciturnError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_path(f"{folder}/rows.npy", [np.zeros((3, 2)), np.ones((1, 2))], n_rows=4)
    ...     len(open_path(f"{folder}/rows.npy"))
    4
    """
    row_writer(path)(
        Path(path), Blocks(blocks, n_rows=n_rows, columns=columns, shape=shape, ids=ids, integers=integers)
    )


def row_writer(path: str | os.PathLike[str]) -> Callable[[Path, Blocks], None]:
    """Return what writes rows into a file with this ending; raise RecipeError where it is unknown."""
    write = next((each.write for each in FORMATS if each.fits(Path(path).name)), None)
    if write is None:
        raise RecipeError(f"{one_line(path)}: rows cannot be written with this ending; known are {WRITABLE}")
    return write


def is_array(text: str | os.PathLike[str]) -> bool:
    """Return whether a name is that of a file format without column names (.npy, .npz, IDX).

    Parameters
    ----------
    text : str or path-like
        A file's name; the file need not exist.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_array("rows.npz:x"), is_array("table.csv"), is_array("iris")
    (True, False, False)
    """
    try:
        return format_of(split_key(os.fsdecode(text))[0]).labels is None
    except RecipeError:
        return False


def format_of(path: Path) -> Format:
    """Return the format of a file by its name; raise RecipeError where the ending is unknown."""
    for each in FORMATS:
        if each.fits(path.name):
            return each
    raise RecipeError(f"{one_line(path)}: the format of this ending is unknown; known are {READABLE}")
