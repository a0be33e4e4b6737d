"""The log of a run: a file of JSON lines that only grows. docs/folder.md describes each kind of line."""

import math
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec

from ..core.errors import ArtifactError, CallbackFailed, TaciturnError
from ..core.messages import one_line
from ..core.temporary import lock

FORMAT = 1  # version of the lines


class Callback(Protocol):
    """What `fit` calls while it trains, with plain numbers that it cannot change.

    Any function of one argument is one.
    """

    def __call__(self, line: dict[str, Any], /) -> None:
        """Take a line of the run's log: "kind" and its values.

        Parameters
        ----------
        line : dict
            docs/folder.md lists the kinds and their keys. Lines of steps come some at a time, because reading a number
            waits for the device; their order is that of the steps.
        """
        ...


class Log:
    """A run's log, opened for more lines.

    The file is locked, so that no second process trains in the same folder.

    Parameters
    ----------
    file : Path
        The file; it is made if it does not exist.
    size : int or None
        Bytes to keep of an existing file: those up to a checkpoint. None: all.
    callbacks : list of Callback or None, default=None
        Called with each line that is appended. One that fails is removed from the list.
    place : Path, optional
        The run's folder, which messages name; by default that of the file.

    Raises
    ------
    TaciturnError
        Another process holds the file, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> log = Log(Path(folder.name, "log.jsonl"))
    >>> log.write("step", [{"step": 0, "loss": 0.5}, {"step": 1, "loss": math.inf}])
    >>> [(line["step"], line["loss"]) for line in read_log(log.file)]
    [(0, 0.5), (1, inf)]
    >>> log.close()
    >>> folder.cleanup()
    """

    def __init__(
        self,
        file: Path,
        size: int | None = None,
        callbacks: list[Callback] | None = None,
        place: Path | None = None,
    ) -> None:
        self.file, self._callbacks = file, [] if callbacks is None else callbacks
        self._place = place or file.parent
        try:
            self._stream = file.open("ab")
            if not lock(self._stream.fileno()):
                self._stream.close()
                raise TaciturnError(f"another process trains in {file.parent}; wait until it ends, or end it")
            if size is not None:
                self._stream.truncate(size)
                self._stream.seek(0, os.SEEK_END)
        except OSError as error:
            raise _refused(self._place, error) from error

    def write(self, kind: str, lines: list[dict[str, Any]]) -> None:
        """Append lines of one kind, and flush them.

        Parameters
        ----------
        kind : str
            "run", "step", "interval", "checkpoint", "resume" or "end".
        lines : list of dict
            Plain values; numbers that are not finite become texts, which JSON can hold.
        """
        encoded = [msgspec.json.encode({"kind": kind} | _plain(line)) + b"\n" for line in lines]
        try:
            self._stream.write(b"".join(encoded))
            self._stream.flush()
        except OSError as error:
            raise _refused(self._place, error) from error
        for line in lines:
            self._call({"kind": kind} | line)

    def _call(self, line: dict[str, Any]) -> None:
        """Call each callback with a copy of a line; one that fails is not called again, and the run goes on."""
        for callback in list(self._callbacks):
            try:
                callback(dict(line))
            except Exception as error:
                self._callbacks.remove(callback)
                name = one_line(getattr(callback, "__name__", type(callback).__name__), 60)
                reason = one_line(f"{type(error).__name__}: {error}")
                warnings.warn(CallbackFailed(f"{name} failed and is not called again: {reason}"), stacklevel=2)

    def note(self, kind: str, **values: Any) -> None:
        """Append one line with the present time, in seconds since 1970."""
        self.write(kind, [values | {"time": round(time.time(), 3)}])

    @property
    def size(self) -> int:
        """Bytes so far; they are on the disk when this returns."""
        try:
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise _refused(self._place, error) from error
        return self._stream.tell()

    def close(self) -> None:
        """Close the file, which ends its lock."""
        try:
            self._stream.close()
        except OSError as error:
            raise _refused(self._place, error) from error


def read_log(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a log; a last line that is not complete is left out.

    Parameters
    ----------
    file : Path
        The log.

    Yields
    ------
    dict
        "kind" and the line's values; numbers that are not finite are numbers again.

    Raises
    ------
    ArtifactError
        The file cannot be read, or a line is damaged.
    """
    try:
        with file.open("rb") as stream:
            yield from read_lines(stream)
    except OSError as error:
        raise ArtifactError(f"{file} cannot be read: {error.strerror}; name the folder of a run") from error


def read_lines(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield the lines of an opened log from where it stands, as `read_log` does.

    It then stands behind the last complete line: a program that follows a running fit calls this again.
    """
    while (line := stream.readline()).endswith(b"\n"):
        try:
            values = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError) as error:
            place = f"{stream.name}: the line that ends at byte {stream.tell():,}"
            raise ArtifactError(f"{place} is damaged ({one_line(str(error))}); delete this line") from error
        yield {name: _number(value) for name, value in values.items()}
    stream.seek(-len(line), os.SEEK_CUR)


def _refused(place: Path, error: OSError) -> TaciturnError:
    return TaciturnError(f"{place} cannot be written: {error.strerror}; make room there, or choose another place")


NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [_text(item) for item in v] if isinstance(v, list) else _text(v) for name, v in line.items()}


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(item) for item in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value
