"""The folder for what can be made again: downloaded data sets, and surveys of files."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder of TACITURN_DATA, else `taciturn` in the user's cache folder."""
    if folder := os.environ.get("TACITURN_DATA"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "taciturn"
