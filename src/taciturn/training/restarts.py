"""Runs that torchrun starts again after a process has ended (`torchrun --max-restarts`)."""

import os
from pathlib import Path
from typing import Any


def note_begun(folder: Path) -> None:
    """Note at torchrun that its processes have begun a run in a folder; without torchrun, do nothing."""
    if (store := _store()) is not None:
        store.set(_key(folder), "")


def is_restarted(folder: Path) -> bool:
    """Return whether torchrun has started this process again, after its processes had begun a run in a folder.

    Examples
    --------
    >>> is_restarted(Path("runs/rows"))
    False
    """
    if os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0":
        return False
    store = _store()
    return store is not None and bool(store.check([_key(folder)]))


def _store() -> Any:
    """Return the store of torchrun, which outlives the processes that it starts; None without torchrun."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    return TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False, wait_for_workers=False)


def _key(folder: Path) -> str:
    return f"taciturn/{folder.absolute()}"
