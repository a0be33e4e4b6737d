"""How many of torch's threads share a piece of work: its size decides, so that results repeat whatever else runs."""

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial

import torch

MAX_ONE_THREAD = 1 << 21  # multiplications, up to which one thread is done before others have started
MAX_ONE_THREAD_STEP = 1 << 22  # the same for a whole step, whose other parts are smaller


def threads_for(work: int) -> int:
    """Return how many threads share one loop: torch's number, but 1 for small work.

    Parameters
    ----------
    work : int
        Number of multiplications; up to 2,097,152 are small work.

    Examples
    --------
    >>> threads_for(2**21), threads_for(2**22) == torch.get_num_threads()
    (1, True)
    """
    return torch.get_num_threads() if work > MAX_ONE_THREAD else 1


@contextmanager
def one_thread_if_small(work: int) -> Iterator[None]:
    """Return a context in which small steps are done by one thread, torch's operators and compiled loops alike.

    Threads wait for each other after each operator, and keep their cores busy meanwhile. In a small step this costs
    more than a second thread saves; beside another busy program it costs many times the work.

    Parameters
    ----------
    work : int
        Multiplications of a step's largest product; up to 4,194,304 are a small step.

    Notes
    -----
    The number is set for the calling Python thread only. `torch.set_num_threads` would also set the number with which
    other threads start, for good. Where OpenMP cannot be reached through torch, nothing is set.

    Examples
    --------
    >>> with one_thread_if_small(2**22):
    ...     torch.get_num_threads()
    1
    """
    before, setters = torch.get_num_threads(), _thread_setters()
    if work > MAX_ONE_THREAD_STEP or before == 1 or setters is None:
        yield
        return
    set_openmp, set_mkl = setters
    mkl_before = set_mkl(1)
    try:
        set_openmp(1)
        yield
    finally:
        set_openmp(before)
        set_mkl(mkl_before)


@cache
def _thread_setters() -> tuple[Callable[[int], None], Callable[[int], int]] | None:
    """Return the functions that set this thread's number of threads: OpenMP's, and MKL's, which returns the last."""
    try:
        functions = ctypes.CDLL(torch._C.__file__)  # finds the functions of the libraries that torch has loaded
        set_openmp = functions.omp_set_num_threads
        set_mkl = functions.MKL_Set_Num_Threads_Local if torch.backends.mkl.is_available() else int
    except (OSError, AttributeError):
        return None
    return set_openmp, set_mkl


# A forked child has none of the parent's OpenMP threads, and would wait for them for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))
