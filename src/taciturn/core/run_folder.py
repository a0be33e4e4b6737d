"""The files of a run's folder, and whether a folder holds nothing else."""

import json
import os
from pathlib import Path

from .messages import listed

MODEL_FILES = frozenset(
    {
        "config.json",
        "history.parquet",
        "metrics.json",
        "outliers.safetensors",
        "recipe.toml",
        "training.safetensors",
        "weights.safetensors",
    }
)
RUN_FILES = MODEL_FILES | {"report.html", "report.json", "denoised.png", "sparsity.png"}
CONFIG_KEYS = frozenset({"format", "estimator"})  # in each config.json of taciturn, and in no other program's


def objection(folder: Path) -> str | None:
    """Return why a folder must not be replaced; None if it holds a run of taciturn and nothing else.

    Parameters
    ----------
    folder : Path
        An existing folder.

    Returns
    -------
    str or None
        The end of a sentence whose subject is the folder.

    Raises
    ------
    OSError
        The folder cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "notes.txt").write_text("mine")
    ...     objection(Path(folder))
    "holds 'notes.txt', which taciturn did not write"
    """
    with os.scandir(folder) as entries:
        foreign = sorted(
            entry.name for entry in entries if entry.name not in RUN_FILES or not entry.is_file(follow_symlinks=False)
        )
    if foreign:
        return f"holds {listed(foreign)}, which taciturn did not write"
    return None if is_run(folder) else "holds no run of taciturn: its config.json is missing or of another program"


def is_run(folder: Path) -> bool:
    """Return whether a folder's config.json is one that taciturn wrote."""
    file = folder / "config.json"
    try:
        config = json.loads(file.read_bytes()) if file.is_file() else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and config.keys() >= CONFIG_KEYS
