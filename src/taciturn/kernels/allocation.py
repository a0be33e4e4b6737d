"""What the system's allocator does with the memory of large arrays that are no longer used."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL

MIN_COLUMNS = 16_384
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
_SMALL, _DEFAULT = 1 << 17, 1 << 25  # bytes: at which glibc begins, and what it may reach by itself


@contextmanager
def returned_at_once(n_columns: int) -> Iterator[None]:
    """Return the memory of unused arrays to the system at once, in a context that works on wide rows.

    glibc keeps freed blocks of up to 32 MB for later, in pieces into which the next array may not fit. A batch of rows
    of 50,000 columns has a dozen such arrays, so what is kept could exceed the weights. Returning it costs little
    beside a step of this width. Rows of fewer columns than 16,384, and other systems, are left as they are.

    Parameters
    ----------
    n_columns : int
        The rows' number of columns.

    Examples
    --------
    >>> with returned_at_once(50_000):
    ...     pass
    """
    mallopt = getattr(CDLL(None), "mallopt", None) if n_columns > MIN_COLUMNS and sys.platform == "linux" else None
    if mallopt is None:
        yield
        return
    mallopt(_MMAP_THRESHOLD, _SMALL)
    try:
        yield
    finally:
        mallopt(_MMAP_THRESHOLD, _DEFAULT)
