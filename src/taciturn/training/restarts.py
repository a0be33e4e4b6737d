"""Processes that torchrun starts again (`--max-restarts`), whose store keeps what earlier processes wrote."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

_begun: set[str] = set()  # keys of runs that this process has begun


def note_begun(folder: Path) -> None:
    """Note at torchrun that its processes have begun a run in a folder; without torchrun, do nothing."""
    if (store := _store()) is not None:
        store.set(_key(folder), "")
        _begun.add(_key(folder))


def is_restarted(folder: Path) -> bool:
    """Return whether torchrun started this process after earlier ones of it had begun a run in a folder.

    Examples
    --------
    >>> is_restarted(Path("runs/rows"))
    False
    """
    store = _store()
    return store is not None and _key(folder) not in _begun and bool(store.check([_key(folder)]))


def common_name(store: Any, rank: int, size: int, timeout: timedelta) -> str:
    """Return a name that the processes of a new group have in common, and that no group had before.

    Parameters
    ----------
    store : torch.distributed.Store
        Their common store.
    rank, size : int
        The number of this process, and of all.
    timeout : timedelta
        How long a process waits for the others.

    Raises
    ------
    RuntimeError
        Another process has not come in this time.

    Notes
    -----
    How often torchrun has started a process is not such a name: the nodes of a cluster count differently. So each
    process writes a new number. Process 0 answers all numbers, also those that processes left which have ended, until
    each of the others has noted that it has the answer.
    """
    own = uuid4().hex
    if rank > 0:
        store.set(f"new/{rank}", own)
        store.wait([f"answer/{own}"], timeout)
        name: str = store.get(f"answer/{own}").decode()
        store.set(f"{name}/{rank}", "")
        return name
    deadline, ranks = time.monotonic() + timeout.total_seconds(), range(1, size)
    while not store.check([f"{own}/{other}" for other in ranks]):
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited for {timeout}")
        for other in ranks:
            if store.check([f"new/{other}"]):
                store.set(f"answer/{store.get(f'new/{other}').decode()}", own)
        time.sleep(0.01)
    return own


def _store() -> Any:
    """Return the store of torchrun, which outlives the processes that it starts; None without torchrun."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    return TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False, wait_for_workers=False)


def _key(folder: Path) -> str:
    return f"taciturn/{folder.absolute()}"
