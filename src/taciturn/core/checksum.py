"""Checksums of files."""

import hashlib
from pathlib import Path
from typing import Any


def checksum(file: Path) -> str:
    """Return the BLAKE2b checksum of a file, 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return checksum_of(stream)


def checksum_of(stream: Any) -> str:
    """Return the BLAKE2b checksum of what is still to be read of an open file, 64 hexadecimal digits."""
    return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=32)).hexdigest()
