"""The files of a run's folder, whether a folder holds nothing else, and whether its run is complete."""

import json
import os
from pathlib import Path

from .messages import listed, one_line
from .temporary import PREFIX

LOG, CHECKPOINTS = "log.jsonl", "checkpoints"
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
IMPUTER_CONFIG, IMPUTER_ARRAYS, IMPUTER_NETWORK = "imputer.json", "imputer.safetensors", "network-"  # of an imputer
RUN_FILES = MODEL_FILES | {LOG, "report.html", "report.json", "denoised.png", "sparsity.png"}
FIRST_LINE = b'{"kind":"run",'  # of each log of taciturn
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
        foreign = sorted(entry.name for entry in entries if not _is_own(entry))
    if foreign:
        return f"holds {listed(foreign)}, which taciturn did not write"
    if is_run(folder) or is_unfinished(folder):
        return None
    return "holds no run of taciturn: its config.json is missing or of another program"


def _is_own(entry: "os.DirEntry[str]") -> bool:
    if entry.name != CHECKPOINTS:
        return entry.name in RUN_FILES and entry.is_file(follow_symlinks=False)
    if not entry.is_dir(follow_symlinks=False):
        return False
    return all(name.startswith(("step-", PREFIX)) for name in os.listdir(entry))


def is_unfinished(folder: Path) -> bool:
    """Return whether a folder holds a run of taciturn that was not completed: a log, and no config.json."""
    try:
        with (folder / LOG).open("rb") as log:
            return log.read(len(FIRST_LINE)) == FIRST_LINE and not (folder / "config.json").exists()
    except OSError:
        return False


def unfinished(folder: Path) -> str:
    """Return a sentence on an unfinished run: that it is one, and how to go on."""
    place = one_line(folder)
    if (folder / CHECKPOINTS).is_dir() and any((folder / CHECKPOINTS).iterdir()):
        resume = f"taciturn resume {place}"
        mend = resume if (folder / "recipe.toml").is_file() else f"resume({str(place)!r}, X) of its estimator"
        mend = f"go on: {mend}"
    else:
        mend = f"begin again: taciturn fit {place}/recipe.toml -o {place} --overwrite"
    return f"{place} holds a run that is not complete; if no process trains there any more, {mend}"


def is_model(path: str | os.PathLike[str]) -> bool:
    """Return whether a path has a file that only taciturn's models have. Nothing is read."""
    return os.path.isfile(os.path.join(path, "training.safetensors"))


def is_run(folder: Path) -> bool:
    """Return whether a folder's config.json is one that taciturn wrote."""
    file = folder / "config.json"
    try:
        config = json.loads(file.read_bytes()) if file.is_file() else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and config.keys() >= CONFIG_KEYS
