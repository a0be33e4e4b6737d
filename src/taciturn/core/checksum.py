"""Checksums of files."""

import hashlib
from pathlib import Path


def checksum(file: Path) -> str:
    """Return the BLAKE2b checksum of a file, 64 hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=32)).hexdigest()
