"""Opening a text table, to read or to write it: its compression, its encoding, and runs of spaces between its cells."""

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ...core.errors import DataError
from .dialect import Dialect
from .local_file import native_file

if TYPE_CHECKING:
    import pyarrow

COMPRESSED_ENDINGS = (".gz", ".bz2", ".xz", ".zst")
_SAMPLE_BYTES = 1 << 18  # by which the encoding is found
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # bytes that no single-byte encoding has in texts
_CELL_OR_SPACES = re.compile(r'("[^"]*"|\'[^\']*\')|[ \t]+')


def _open_zstd(path: Path) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(native_file(path), "zstd")


# By pyarrow's names of compressions.
_OPENERS: dict[str | None, Callable[[Path], Any]] = {
    None: lambda path: path.open("rb"),
    "gzip": gzip.open,
    "bz2": bz2.open,
    "xz": lzma.open,
    "zstd": _open_zstd,
}


def open_bytes(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a file to read its bytes, decompressed if they are compressed by gzip, bzip2, xz or zstd."""
    content: IO[bytes] = _OPENERS[_compression(path)](Path(path))
    return content


def _compression(path: str | os.PathLike[str]) -> str | None:
    """Return how a file is compressed by its first bytes: browsers decompress a .gz and keep its name."""
    with open(path, "rb") as file:
        start = file.read(6)
    marks = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
    return next((name for mark, name in marks.items() if start.startswith(mark)), None)


@contextmanager
def open_to_write(path: Path, ending: str) -> Iterator[Any]:
    """Open a file to write bytes, which are compressed where the ending is .gz, .bz2, .xz or .zst."""
    import pyarrow as pa

    with path.open("wb") as file:
        if ending == ".xz":
            with lzma.open(file, "wb") as compressed:
                yield compressed
        elif ending in COMPRESSED_ENDINGS:
            name = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}[ending]
            with pa.CompressedOutputStream(pa.PythonFile(file, "wb"), name) as compressed:
                yield compressed
        else:
            yield file


def open_text(path: str | os.PathLike[str], dialect: Dialect) -> IO[str]:
    """Open a file to read its text, without a byte order mark; what the encoding does not know is U+FFFD."""
    encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, errors="replace", newline="")


def open_utf8(path: str | os.PathLike[str], dialect: Dialect, *, in_memory: bool = False) -> "pyarrow.NativeFile":
    """Open a text for pyarrow, as UTF-8 and with one separator between cells; `in_memory`: decompressed by Python.

    Its threads get no object of Python: they let go of it after they have returned the table, and a thread that does so
    while Python ends aborts the process.
    """
    import pyarrow as pa

    compression = _compression(path)
    in_memory |= compression == "xz"  # which pyarrow cannot read
    if dialect.encoding == "utf-8" and dialect.separator != " " and not in_memory:
        file = native_file(path)
        return file if compression is None else pa.CompressedInputStream(file, compression)
    text = pa.BufferOutputStream()
    with open_text(path, dialect) as characters:
        spaced = dialect.separator == " "
        parts = single_spaces(characters) if spaced else iter(lambda: characters.read(_SAMPLE_BYTES), "")
        for part in parts:
            text.write(part.encode(errors="replace"))
    return pa.BufferReader(text.getvalue())


def single_spaces(lines: Iterator[str]) -> Iterator[str]:
    """Yield lines with one space for each run of spaces and tabs outside quotes, and none at either end."""
    for line in lines:
        yield _CELL_OR_SPACES.sub(lambda match: match[1] or " ", line.strip(" \t\r\n")) + "\n"


def find_encoding(path: str | os.PathLike[str], *, whole: bool = True) -> str:
    """Return the encoding of a text file: UTF-8, UTF-16 or Windows-1252.

    Parameters
    ----------
    path : str or path-like
        The file.
    whole : bool, default=True
        Whether all of its bytes are read. False: only the first, which is enough for numbers and their names.

    Returns
    -------
    str
        Windows-1252 ("cp1252"), which has all characters of Latin-1, if the bytes are not UTF-8; "latin-1" if they have
        a byte that it does not know.

    Raises
    ------
    DataError
        The bytes are not text.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_bytes(path) as file:
        sample = file.read(_SAMPLE_BYTES)
        if encoding := _utf_16(sample):
            return encoding
        try:
            decoder.decode(sample)
            while whole and (sample := file.read(_SAMPLE_BYTES)):
                decoder.decode(sample)
        except UnicodeDecodeError:
            return _single_bytes(sample)
    return "utf-8"


def _utf_16(sample: bytes) -> str | None:
    """Return the UTF-16 encoding of the first bytes of a file; None if they are not UTF-16."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" not in sample:
        return None
    even, odd = (half.count(0) / max(len(half), 1) for half in (sample[::2], sample[1::2]))  # shares of zero bytes
    if max(even, odd) > 0.5 > 10 * min(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _single_bytes(sample: bytes) -> str:
    """Return the encoding of bytes that are not UTF-8."""
    if match := _CONTROL.search(sample):
        raise DataError(f"the file is not text: it holds the byte 0x{match[0].hex()}; check its ending")
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"
