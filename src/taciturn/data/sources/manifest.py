"""A folder of shards with a manifest: rows in several files, each of which is written as a whole or not at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from ...core.atomic import atomic, atomic_folder
from ...core.checksum import checksum
from ...core.errors import DataError, RecipeError, TaciturnError
from ...core.messages import listed, one_line
from ...core.temporary import PREFIX, lock, remove_leftovers
from .source import Source
from .subset import Subset

MANIFEST = "manifest.json"


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

    def is_whole(self, folder: Path) -> bool:
        """Return whether the file is there as it was written."""
        file = folder / self.file
        try:
            return file.stat().st_size == self.bytes and checksum(file) == self.checksum
        except OSError:
            return False


class Span(NamedTuple):
    """A shard to write: its name, its first row and the row after its last one."""

    file: str
    start: int
    stop: int


WriteMissing = Callable[[Path, list[Span]], Iterator[ShardRecord]]


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


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a folder of shards.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    Manifest

    Raises
    ------
    DataError
        There is none, or it is damaged.
    """
    file = folder / MANIFEST
    try:
        return msgspec.json.decode(file.read_bytes(), type=Manifest)
    except OSError as error:
        raise DataError(f"{one_line(file)}: {error.strerror or error}; name a folder of shards") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        mend = "choose another folder"
        raise DataError(f"{one_line(file)} is not a manifest of shards: {one_line(error)}; {mend}") from error


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
        The folder; it is made if it does not exist.
    source : Source
        All rows.
    write : callable
        Writes one file: (path, rows). It is called for each shard with its rows.
    rows_per_shard : int
        Number of rows of each shard but the last, at least 1.
    ending : str
        Ending of the shards' names, such as ".npy"; `write` chooses the format by it.
    content : dict
        What the shards hold, as plain values. A folder is continued only where all of them are equal.
    overwrite : bool, default=False
        Whether shards of other content are replaced; files that are no shards never are.
    elsewhere : callable, optional
        Writes the missing shards in other processes, in place of `write`: it gets the folder and their spans, and
        yields the record of each, which `write_shard` returns, when it is written, in any order.

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
        The folder holds shards of other content, or other files; another process writes there; or the disk refuses.

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
    place, n_rows = Path(folder), len(source)
    new = Manifest(format=1, content=content, rows=n_rows, rows_per_shard=rows_per_shard, ending=ending, shards=[])
    _make(place, new)
    with _only_writer(place):
        known = {record.file: record for record in _begun(place, new, overwrite)}
        spans = [
            Span(f"part-{number:05}{ending}", start, min(start + rows_per_shard, n_rows))
            for number, start in enumerate(range(0, n_rows, rows_per_shard))
        ]
        missing = [each for each in spans if each.file not in known or not known[each.file].is_whole(place)]
        for record in elsewhere(place, missing) if elsewhere and missing else _written(place, missing, source, write):
            known[record.file] = record
            listed_shards = sorted(known.values(), key=lambda each: (len(each.file), each.file))
            _save(place, msgspec.structs.replace(new, shards=listed_shards))
        if elsewhere:
            remove_leftovers(place)  # of processes that were killed
    return Written(len(spans), len(spans) - len(missing))


def _written(
    place: Path, spans: list[Span], source: Source, write: Callable[[Path, Source], None]
) -> Iterator[ShardRecord]:
    for span in spans:
        yield write_shard(place, span, source, write)


def write_shard(place: Path, span: Span, source: Source, write: Callable[[Path, Source], None]) -> ShardRecord:
    """Write one shard of a folder, and return its record; see `write_shards`."""
    file = place / span.file
    write(file, Subset(source, np.arange(span.start, span.stop)))
    return ShardRecord(span.file, span.stop - span.start, file.stat().st_size, checksum(file))


def _make(place: Path, new: Manifest) -> None:
    """Make the folder, with a manifest without shards, if it does not exist or is empty."""
    if place.is_dir() and any(place.iterdir()):
        return
    with atomic_folder(place, objection=lambda _: "holds files") as temporary:
        _save(temporary, new)


@contextmanager
def _only_writer(place: Path) -> Iterator[None]:
    """Lock the folder, so that no second process writes shards into it."""
    descriptor = None
    with suppress(OSError):  # Windows cannot open folders
        descriptor = os.open(place, os.O_RDONLY)
    try:
        if descriptor is not None and not lock(descriptor):
            raise TaciturnError(f"another process writes to {one_line(place)}; wait until it ends, or end it")
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _begun(place: Path, new: Manifest, overwrite: bool) -> list[ShardRecord]:
    """Return the shards that are there already; remove those of other content if they may be overwritten."""
    name = one_line(place)
    if not (place / MANIFEST).is_file():
        files = listed(sorted(file.name for file in place.iterdir()))
        raise TaciturnError(f"{name} holds {files}, but no shards of taciturn; choose another folder")
    old = read_manifest(place)
    remove_leftovers(place)
    if overwrite:
        shards = {f"part-{number:05}{old.ending}" for number in range(-(-old.rows // old.rows_per_shard))}
        others = [file.name for file in place.iterdir() if file.name not in shards | {MANIFEST}]
        if others := sorted(other for other in others if not other.startswith(PREFIX)):
            raise TaciturnError(f"{name} holds {listed(others)}, which taciturn did not write; choose another folder")
        for shard in shards:
            (place / shard).unlink(missing_ok=True)
        _save(place, new)
        return []
    if difference := _difference(old, new):
        raise TaciturnError(f"{name} {difference}; choose another folder, or overwrite it (--overwrite)")
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


def _save(place: Path, manifest: Manifest) -> None:
    with atomic(place / MANIFEST) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
