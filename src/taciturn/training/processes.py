"""Training in several processes, as torchrun starts them: they join, begin alike, and stay alike."""

import json
import os
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor

from ..core.errors import DataError, ProcessFailed, RecipeError, TaciturnError, TaciturnWarning
from ..core.interval import SECONDS, interval
from ..core.messages import one_line
from ..core.tensor_file import is_part
from ..core.world import ONE_PROCESS, SINGLE_PROCESS, Axis, Mesh
from .restarts import common_name
from .step import Step

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # torchrun sets them
TIMEOUT = "TACITURN_TIMEOUT"

_joined: Mesh | None = None  # while this process takes part in a group
_store: Any = None  # the processes' common store, kept because its port can be opened once only


def count() -> int:
    """Return the number of processes that train together: 1, unless torchrun or torch.distributed started more.

    Examples
    --------
    >>> count()
    1
    """
    if _is_initialised():
        return torch.distributed.get_world_size()
    text = os.environ.get("WORLD_SIZE", "1")
    if not text.isdecimal() or not int(text):
        raise RecipeError(f"WORLD_SIZE={text!r} must be the number of processes; start them by torchrun, or unset it")
    return int(text)


@contextmanager
def joined(latents: int = 1, *, leaves: bool = True) -> Iterator[Mesh]:
    """Yield the processes that train together.

    Within this context, another one yields the same.

    Parameters
    ----------
    latents : int, default=1
        Among how many processes the latents are distributed. It divides the number of processes. The others have other
        rows.
    leaves : bool, default=True
        Whether the processes wait for each other in the end and leave the group. False: the process ends soon, by
        `os._exit`.

    Raises
    ------
    RecipeError
        A variable that torchrun sets is missing, or `latents` does not divide the number of processes.
    ProcessFailed
        The other processes cannot be reached.
    """
    global _joined
    if _joined is not None:
        yield _joined
        return
    _check_latents(latents)
    if count() == 1:
        yield ONE_PROCESS
        return
    from ..core.process_axis import ProcessAxis

    theirs, hook = _is_initialised(), sys.excepthook
    groups = [torch.distributed.new_group(backend=_backend()) if theirs else _new_group()]
    if latents > 1:  # neighbours, which are likely to be on one machine, have the same rows: they send most
        numbers = torch.arange(count()).view(-1, latents)
        for each in (numbers.T, numbers):
            options = {"backend": _backend(), "timeout": _timeout()}
            groups.append(torch.distributed.new_subgroups_by_enumeration(each.tolist(), **options)[0])
    every, *others = axes = [ProcessAxis(group) for group in groups]
    _joined = Mesh(every, *(axis if axis.size > 1 else SINGLE_PROCESS for axis in others or [every]))
    try:
        with warnings.catch_warnings() if every.rank else nullcontext():
            if every.rank:
                warnings.simplefilter("ignore", TaciturnWarning)  # process 0 gives the same ones
            yield _joined
        if leaves:
            every.wait()  # gloo can abort where a process leaves while others still send
    finally:
        _joined = None
        if leaves:
            for axis in axes:
                axis.leave()
            for group in reversed(groups) if theirs else [None]:
                torch.distributed.destroy_process_group(group)
            sys.excepthook = hook  # torch's own one would be joined to that of the next group


def from_first(processes: Axis, function: Callable[[], Any]) -> Any:
    """Return, on all processes, what a function returns in process 0, which alone calls it: a plain value.

    Raises
    ------
    TaciturnError
        On all processes, where the function has raised one.
    """
    if processes.size == 1:
        return function()
    failure, value = None, None
    if processes.rank == 0:
        try:
            value = function()
        except TaciturnError as error:
            failure = error
    message = torch.tensor(list(json.dumps((value, failure and str(failure))).encode()))
    value, text = json.loads(bytes(processes.gather(message)[0].tolist()))
    if text is not None:
        raise failure or TaciturnError(text)
    return value


def refuse(what: str, mend: str) -> None:
    """Raise RecipeError if there are several processes: `what` is not done by them together."""
    if (n_processes := count()) > 1:
        raise RecipeError(f"{what} does not work in {n_processes} processes; {mend}, or start one process")


def is_first_failure() -> bool:
    """Return whether no other process of the group has called this before, so that a failure is shown once."""
    try:
        start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")  # torchrun keeps the store
        return bool(_common_store().add(f"taciturn/failures/{start}", 1) == 1)
    except (RuntimeError, TaciturnError):  # the process that kept the store has ended
        return True


def _check_latents(latents: Any) -> None:
    """Raise RecipeError unless latents can be distributed among so many of the processes."""
    n_processes = count()
    if not isinstance(latents, int) or latents < 1:
        raise RecipeError(f"latent_processes={latents!r} must be a whole number, 1 or more")
    if n_processes % latents:
        fitting = " or ".join(str(n) for n in range(1, n_processes + 1) if n_processes % n == 0)
        start = f"start {latents} by torchrun, or " if n_processes == 1 else ""
        raise RecipeError(
            f"latent_processes={latents} does not divide the number of processes, {n_processes}; {start}set {fitting}"
        )


def check_facts(processes: Axis, facts: Mapping[str, str]) -> None:
    """Raise DataError, on all processes, unless all have the same facts: texts by name."""
    if processes.size == 1:
        return
    by_rank = processes.gather(torch.tensor([zlib.crc32(text.encode()) for text in facts.values()]))
    for rank, checksums in enumerate(by_rank):
        for name, own, first in zip(facts, checksums.tolist(), by_rank[0].tolist(), strict=True):
            if own != first:
                raise DataError(
                    f"process {rank} of {processes.size} has another {name} than process 0; give all processes the "
                    "same: each trains on its part of every batch"
                )


def common_seed(processes: Axis, seed: int) -> int:
    """Return the seed of process 0, for seeds that are drawn at random."""
    return int(processes.broadcast(torch.tensor(seed))) if processes.size > 1 else seed


def share_state(processes: Mesh, step: Step) -> None:
    """Set all tensors of a step, and of its model, to those of process 0: another kind of machine rounds otherwise.

    Where latents are distributed, those of each part to those of its first process.
    """
    for axis, tensors in _alike(processes, step):
        for tensor in tensors:
            tensor.data.copy_(axis.broadcast(tensor))


def check_weights(processes: Mesh, step: Step) -> None:
    """Raise TaciturnError, on all processes, unless the tensors that should be the same are so."""
    differ = False
    for axis, tensors in _alike(processes, step):
        totals = torch.stack([_total(tensor.detach()) for tensor in tensors]).nan_to_num()
        differ |= not torch.equal(axis.max(totals), -axis.max(-totals))
    if processes.all.any(differ):
        raise TaciturnError(
            "the weights of the processes are no longer the same; train on machines of one kind, and with the same "
            "number of threads"
        )


def _alike(processes: Mesh, step: Step) -> list[tuple[Axis, list[Tensor]]]:
    """Return the tensors of a step that are the same on all processes of an axis, with this axis."""
    parts, shared, own = step.names_of_parts(), list[Tensor](), list[Tensor]()
    for name, tensor in step.tensors().items():
        (own if is_part(name, tensor, parts) else shared).append(tensor)
    both = (processes.all, shared), (processes.rows, own)
    return [(axis, tensors) for axis, tensors in both if axis.size > 1 and tensors]


def _total(tensor: Tensor) -> Tensor:
    """Return the sum of absolute values in float64, without a float64 copy of the whole tensor."""
    return sum(
        (part.double().abs().sum().cpu() for part in tensor.reshape(-1).split(1 << 20)),
        torch.zeros((), dtype=torch.float64),
    )


def _is_initialised() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _backend() -> str:
    n_here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return "cpu:gloo,cuda:nccl" if n_here <= torch.cuda.device_count() else "gloo"


def _new_group() -> Any:
    """Return a new default group of torch.distributed, of the processes that torchrun started."""
    from torch.distributed.distributed_c10d import PrefixStore

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    store, rank, timeout = _common_store(), int(os.environ["RANK"]), _timeout()
    try:
        torch.distributed.init_process_group(
            _backend(),
            store=PrefixStore(common_name(store, rank, count(), timeout), store),
            rank=rank,
            world_size=count(),
            timeout=timeout,
        )
    except RuntimeError as error:
        raise ProcessFailed(
            f"the other processes cannot be reached ({one_line(str(error), 200)}); see whether all have started"
        ) from error
    return torch.distributed.group.WORLD


def _timeout() -> timedelta:
    number, unit = interval(TIMEOUT, os.environ.get(TIMEOUT, "30min"), tuple(SECONDS))
    return timedelta(seconds=number * SECONDS[unit])


def _common_store() -> Any:
    from torch.distributed.rendezvous import rendezvous

    global _store
    if _store is None:
        if missing := [name for name in VARIABLES if name not in os.environ]:
            raise RecipeError(
                f"WORLD_SIZE={count()} is set, but not {', '.join(missing)}; start the processes by torchrun, or unset "
                "WORLD_SIZE"
            )
        try:
            _store, _, _ = next(rendezvous("env://"))
        except RuntimeError as error:
            raise ProcessFailed(
                f"the other processes cannot be reached ({one_line(str(error), 200)}); see whether all have started"
            ) from error
    return _store
