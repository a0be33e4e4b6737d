"""A folder of shards with a manifest: rows in several files, each of which is written as a whole or not at all."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from ...core.atomic import atomic
from ...core.errors import DataError, RecipeError, TaciturnError
from ...core.messages import listed, one_line
from ...core.temporary import PREFIX
from .out_folder import DiskFolder, OutFolder
from .source import Source
from .subset import Subset
from .uploads import StoreFolder
from .urls import is_url

MANIFEST = "manifest.json"
OTHER_FOLDER = "choose another folder"


class ShardRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a manifest has of a shard.

    Parameters
    ----------
    file : str
        Its name in the folder.
    rows : int
        Number of rows.
    bytes : int
        Size of the file.
    checksum : str
        BLAKE2b checksum of the file, 64 hexadecimal digits.
    """

    file: str
    rows: int
    bytes: int
    checksum: str

    def is_whole(self, folder: OutFolder) -> bool:
        """Return whether the file is there as it was written."""
        try:
            return folder.size_and_checksum(self.file) == (self.bytes, self.checksum)
        except OSError:
            return False


class Span(NamedTuple):
    """A shard to write: its name, its first row and the row after its last one."""

    file: str
    start: int
    stop: int


WriteMissing = Callable[[list[Span]], Iterator[ShardRecord]]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What manifest.json holds.

    Parameters
    ----------
    format : int
        Version of the manifest's format: 1.
    content : dict
        What the rows are, as plain values: the command, the fingerprints of the model and of its rows, and others.
    rows, rows_per_shard : int
        Number of all rows, and of those of each shard but the last.
    ending : str
        Of the shards' names, such as ".npy".
    shards : list of ShardRecord
        The shards that are complete, in order.
    """

    format: Literal[1]
    content: dict[str, Any]
    rows: int
    rows_per_shard: int
    ending: str
    shards: list[ShardRecord]


class Written(NamedTuple):
    """How many shards a folder has, and how many of them were there before."""

    shards: int
    found: int


def read_manifest(folder: str | os.PathLike[str]) -> Manifest:
    """Return the manifest of a folder of shards.

    Parameters
    ----------
    folder : str or path-like
        The folder, or its URL.

    Returns
    -------
    Manifest

    Raises
    ------
    DataError
        There is none, or it is damaged.
    """
    return _manifest_in(out_folder(folder))


def out_folder(folder: str | os.PathLike[str]) -> OutFolder:
    """Return a folder that shards are written to, on the disk or in a store."""
    text = os.fspath(folder)
    return StoreFolder(text) if is_url(text) else DiskFolder(text)


def _manifest_in(folder: OutFolder) -> Manifest:
    file = f"{folder.name}/{MANIFEST}"
    try:
        return msgspec.json.decode(folder.read(MANIFEST), type=Manifest)
    except OSError as error:
        raise DataError(f"{file}: {one_line(error.strerror or error)}; name a folder of shards") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{file} is not a manifest of shards: {one_line(error)}; {OTHER_FOLDER}") from error


def write_shards(
    folder: str | os.PathLike[str],
    source: Source,
    write: Callable[[Path, Source], None],
    *,
    rows_per_shard: int,
    ending: str,
    content: dict[str, Any],
    overwrite: bool = False,
    elsewhere: WriteMissing | None = None,
) -> Written:
    """Write what is computed from rows into a folder of shards; if it was begun before, write the missing ones only.

    The shards are part-00000.npy, part-00001.npy and so on. Each appears only when it is complete, and manifest.json
    then lists it. The same rows give the same files, whether the work was interrupted or not.

    Parameters
    ----------
    folder : str or path-like
        The folder; it is made if it does not exist. A URL (s3://, gs://, hf://) is a folder in a store: each shard is
        written on the disk first, and then copied there.
    source : Source
        All rows.
    write : callable
        Writes one file on the disk: (path, rows). It is called for each shard with its rows.
    rows_per_shard : int
        Number of rows of each shard but the last, at least 1.
    ending : str
        Ending of the shards' names, such as ".npy"; `write` chooses the format by it.
    content : dict
        What the shards hold, as plain values. A folder is continued only where all of them are equal.
    overwrite : bool, default=False
        Whether shards of other content are replaced; files that are no shards never are.
    elsewhere : callable, optional
        Writes the missing shards in other processes, in place of `write`: it gets their spans, and yields
        the record of each, which `write_shard` returns, when it is written, in any order.

    Returns
    -------
    Written

    Raises
    ------
    RecipeError
        `rows_per_shard` is less than 1.
    DataError
        The manifest is damaged.
    TaciturnError
        The folder holds shards of other content, or other files; another process writes there; or the disk or the
        store refuses.

    Examples
    --------
    >>> import tempfile
    >>> from taciturn.data.sources import Rows, write_path
    >>> def doubled(path, rows):
    ...     write_path(path, [2 * rows.read(0, len(rows))], n_rows=len(rows))
    >>> temporary = tempfile.TemporaryDirectory()
    >>> rows, options = Rows(np.eye(5)), {"rows_per_shard": 2, "ending": ".npy", "content": {"rows": "doubled"}}
    >>> write_shards(f"{temporary.name}/parts", rows, doubled, **options)
    Written(shards=3, found=0)
    >>> Path(temporary.name, "parts", "part-00001.npy").unlink()
    >>> write_shards(f"{temporary.name}/parts", rows, doubled, **options)
    Written(shards=3, found=2)
    >>> temporary.cleanup()
    """
    if rows_per_shard < 1:
        raise RecipeError(f"rows_per_shard={rows_per_shard} must be 1 or more")
    place, n_rows = out_folder(folder), len(source)
    new = Manifest(format=1, content=content, rows=n_rows, rows_per_shard=rows_per_shard, ending=ending, shards=[])
    if not place.names():
        place.begin(MANIFEST, partial(_write, manifest=new))
    with place.only_writer():
        known = {record.file: record for record in _begun(place, new, overwrite)}
        spans = [
            Span(f"part-{number:05}{ending}", start, min(start + rows_per_shard, n_rows))
            for number, start in enumerate(range(0, n_rows, rows_per_shard))
        ]
        missing = [each for each in spans if each.file not in known or not known[each.file].is_whole(place)]
        for record in elsewhere(missing) if elsewhere and missing else _written(place, missing, source, write):
            known[record.file] = record
            listed_shards = sorted(known.values(), key=lambda each: (len(each.file), each.file))
            _save(place, msgspec.structs.replace(new, shards=listed_shards))
        if elsewhere:
            place.remove_leftovers()  # of processes that were killed
    return Written(len(spans), len(spans) - len(missing))


def _written(
    place: OutFolder, spans: list[Span], source: Source, write: Callable[[Path, Source], None]
) -> Iterator[ShardRecord]:
    for span in spans:
        yield write_shard(place, span, source, write)


def write_shard(place: OutFolder, span: Span, source: Source, write: Callable[[Path, Source], None]) -> ShardRecord:
    """Write one shard of a folder, and return its record; see `write_shards`."""
    rows = Subset(source, np.arange(span.start, span.stop))
    return ShardRecord(span.file, len(rows), *place.write(span.file, lambda path: write(path, rows)))


def _begun(place: OutFolder, new: Manifest, overwrite: bool) -> list[ShardRecord]:
    """Return the shards that are there already; remove those of other content if they may be overwritten."""
    names = place.names()
    if MANIFEST not in names:
        raise TaciturnError(f"{place.name} holds {listed(sorted(names))}, but no shards of taciturn; {OTHER_FOLDER}")
    old = _manifest_in(place)
    place.remove_leftovers()
    if overwrite:
        shards = {f"part-{number:05}{old.ending}" for number in range(-(-old.rows // old.rows_per_shard))}
        others = sorted(set(names) - shards - {MANIFEST})
        if others := [other for other in others if not other.startswith(PREFIX)]:
            raise TaciturnError(f"{place.name} holds {listed(others)}, which taciturn did not write; {OTHER_FOLDER}")
        for shard in shards & set(names):
            place.remove(shard)
        _save(place, new)
        return []
    if difference := _difference(old, new):
        raise TaciturnError(f"{place.name} {difference}; {OTHER_FOLDER}, or overwrite it (--overwrite)")
    return old.shards


def _difference(old: Manifest, new: Manifest) -> str | None:
    """Return how the shards to write differ from those of a folder, as the end of a sentence."""
    for key in [*new.content, *old.content]:
        before, now = old.content.get(key), new.content.get(key)
        if before != now:
            return f"was begun with the {key} {one_line(before, 80)}, now {one_line(now, 80)}"
    if old.rows != new.rows:
        return f"was begun with {old.rows:,} rows, now {new.rows:,}"
    if (old.rows_per_shard, old.ending) != (new.rows_per_shard, new.ending):
        was, now = (f"{each.rows_per_shard:,} rows as {each.ending}" for each in (old, new))
        return f"was begun with shards of {was}, now {now}"
    return None


def _save(place: OutFolder, manifest: Manifest) -> None:
    place.write(MANIFEST, partial(_write, manifest=manifest))


def _write(path: Path, manifest: Manifest) -> None:
    with atomic(path) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
